// Inside a frame on the shop's page (see /ocrch.js): tells that page what happens.
// Around it may be anybody, so it only says that it is ready. The page around says hello, the browser vouches for that page's
// origin, and only that origin hears more. Messages have no secrets: no address, no signature.

/// What the checkout can tell the page around it.
export function frame() {
  let owner = null;
  const last = {};

  function post(message) {
    last[message.ocrch] = message;
    if (owner) window.parent.postMessage(message, owner);
  }

  window.addEventListener("message", ({ source, origin, data }) => {
    if (source !== window.parent || data?.ocrch !== "hello" || origin === "null") return;
    owner = origin;
    for (const message of Object.values(last)) post(message);
  });

  document.documentElement.classList.add("framed");
  const measure = () => post({ ocrch: "height", height: Math.ceil(document.body.getBoundingClientRect().height) });
  new ResizeObserver(measure).observe(document.body);
  window.addEventListener("keydown", ({ key }) => {
    if (key === "Escape" && !document.querySelector("dialog[open]")) post({ ocrch: "close" });
  });

  window.parent.postMessage({ ocrch: "ready" }, "*");
  return {
    status({ order_id, status, payment }) {
      post({ ocrch: "status", order_id, status, seen: Boolean(payment) });
    },
    /// The shop's page goes where its customer is to go.
    leave: (url) => post({ ocrch: "leave", url }),
  };
}
