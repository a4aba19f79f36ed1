import(new URL("MODULE", document.baseURI).href)
  .then(({ mount }) => mount({ element, props, server, watch, ask: (what) => trigger("ask", what) }))
  .catch(() => {
    document.documentElement.classList.add("ready");
    const sentence = element.querySelector("[role=alert]");
    if (sentence) sentence.textContent = "A part of the page could not be loaded: reload it.";
  });
