// Opens the checkout page in a frame on the shop's own page: Ocrch.open(checkoutUrl, element).
globalThis.Ocrch = {
  open(url, element = document.body) {
    const frame = document.createElement("iframe");
    frame.src = url;
    frame.title = "Checkout";
    frame.allow = "clipboard-write";
    element.append(frame);
    return frame;
  },
};
