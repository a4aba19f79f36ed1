// A camera of this size before which one picture (an address) sways a little.
async ([address, width, height]) => {
  const picture = new Image();
  picture.src = new URL(address, document.baseURI).href;
  await picture.decode();
  const source = Object.assign(document.createElement("canvas"), { width, height });
  const pen = source.getContext("2d");
  setInterval(() => pen.drawImage(picture, 4 * Math.sin(performance.now() / 900), 0, width, height), 40);
  navigator.mediaDevices.getUserMedia = async () => source.captureStream(25);
}
