// Answers each frame of the live view itself, from window.faces: (frame) -> marks (or a promise), for pictures of 480 x 360.
// Lets a test say where faces are, which a camera and a busy machine cannot.
() => {
  const fetchReal = window.fetch;
  window.fetch = async (address, options) => {
    if (!String(address).includes("component_server")) return fetchReal(address, options);
    const data = JSON.parse(options.body).data, request = Array.isArray(data) ? data[0] : data;
    const marks = await window.faces(request.frame);
    return Response.json({ frame: request.frame, size: [480, 360], marks, large: false, server_ms: 1 });
  };
}
