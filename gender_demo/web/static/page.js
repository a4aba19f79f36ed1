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
  addEventListener("hashchange", () => {
    open();
    document.querySelector("#tabs")?.scrollIntoView();
  });
  open();

  // A server lost while photos go there, wait or are analysed. gradio says "Failed to fetch", or
  // nothing and loads the page anew: the sentence outlives that.
  const LOST = "The server was lost on the way, so there is no result. Check the connection, then choose the pictures or the video again.";
  const STEPS = /gradio_api\/(upload\?|queue\/join|queue\/data)/, GATEWAY = 502, CLEAR_AFTER_MS = 300;
  const GRADIO = /Connection errored out|Connection to the server was lost|Failed to fetch/;
  const fetchPlain = window.fetch;
  let trouble = recall();
  recall("");

  function recall(words) {
    try {
      if (words === undefined) return sessionStorage.getItem("lost") ?? "";
      if (words) sessionStorage.setItem("lost", words);
      else sessionStorage.removeItem("lost");
    } catch { /* storage is refused */ }
    return words ?? "";
  }

  function show() {
    const place = document.querySelector("#photos-trouble p");
    if (!place || place.textContent === trouble) return;
    place.textContent = trouble;
    if (!trouble) return;
    place.scrollIntoView({ block: "nearest" });
    // To choose anew.
    setTimeout(() => {
      for (const box of ["photos-files", "video-file"]) document.querySelector(`#${box} button[aria-label=Clear]`)?.click();
    }, CLEAR_AFTER_MS);
  }

  function say(words) {
    trouble = recall(words);
    show();
  }
  const lost = (error) => {
    if (error?.name === "AbortError") return;
    say(LOST);
    document.dispatchEvent(new Event("server-lost"));
  };

  async function follow(stream) {
    const reader = stream.getReader();
    while (!(await reader.read()).done);
  }

  window.fetch = async (address, options) => {
    const step = STEPS.exec(String(address?.url ?? address))?.[1];
    if (!step) return fetchPlain(address, options);
    if (step !== "queue/data") say("");
    try {
      const answer = await fetchPlain(address, options);
      if (answer.status >= GATEWAY) lost();
      if (step !== "queue/data" || !answer.body) return answer;
      const [own, given] = answer.body.tee();
      follow(own).catch(lost);
      return new Response(given, answer);
    } catch (error) {
      lost(error);
      throw error;
    }
  };
  new MutationObserver(() => {
    for (const toast of document.querySelectorAll(".toast-body")) {
      if (GRADIO.test(toast.textContent)) { toast.remove(); lost(); }
    }
    show();
  }).observe(document.body, { childList: true, subtree: true });
};
