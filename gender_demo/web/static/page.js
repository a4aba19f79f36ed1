// Pictures pasted anywhere on the Photos tab go the same way as chosen ones.
() => {
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
};
