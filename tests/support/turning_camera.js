// A camera that window.turn() turns, as a phone is turned.
() => {
  const source = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
  const pen = source.getContext("2d");
  setInterval(() => {
    pen.fillStyle = `hsl(${performance.now() / 20}, 60%, 60%)`;
    pen.fillRect(0, 0, source.width, source.height);
  }, 40);
  window.turn = () => { [source.width, source.height] = [source.height, source.width]; };
  navigator.mediaDevices.getUserMedia = async () => source.captureStream(25);
}
