() => {
  // Pictures pasted anywhere on the Photos tab go the same way as chosen ones.
  document.addEventListener("paste", (event) => {
    const input = document.querySelector("#photos-files input[type=file]");
    const files = [...(event.clipboardData?.files ?? [])];
    if (!input || input.closest("[hidden]") || !files.length) return;
    event.preventDefault();
    const pasted = new DataTransfer();
    for (const file of files) pasted.items.add(file);
    input.files = pasted.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // Each tab has its address: #photos opens Photos.
  const tabs = () => [...document.querySelectorAll("#tabs button[role=tab]")];
  const nameOf = (tab) => tab.textContent.trim().toLowerCase();
  const open = () => tabs().find((tab) => `#${nameOf(tab)}` === location.hash)?.click();
  document.addEventListener("click", ({ target }) => {
    const tab = target.closest?.("#tabs button[role=tab]");
    if (tab) history.replaceState(null, "", `#${nameOf(tab)}`);
  });
  addEventListener("hashchange", open);
  open();
};
