// Notes when the stock page's output picture changes.
() => {
  window.pictures = [];
  let last = "";
  const look = () => {
    const src = [...document.querySelectorAll("img")].map((img) => img.src).join(" ");
    if (src !== last) { last = src; window.pictures.push(performance.now()); }
    requestAnimationFrame(look);
  };
  look();
}
