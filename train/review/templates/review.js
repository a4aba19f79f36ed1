// One key for each button: K, D, U, and 1, 2, … for the classes in their order.
() => {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (/^(input|textarea|select)$/i.test(event.target.tagName)) return;
    const name = { k: "keep", d: "drop", u: "undo" }[event.key.toLowerCase()] ?? event.key;
    const button = document.getElementById(`review-${name}`);
    if (!button || button.disabled) return;
    event.preventDefault();
    button.click();
  });
};
