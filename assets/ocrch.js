// Opens Ocrch's checkout on the shop's own page, as a window over it or in its text.
//
//   <script src="https://pay.example.com/ocrch.js"></script>
//   <script>
//     Ocrch.open(checkoutUrl).then((result) => { });           // a window; "paid", "expired", "cancelled" or "closed"
//     const frame = Ocrch.mount("#pay", checkoutUrl, options); // in the page; frame.remove() ends it
//   </script>
//
// checkoutUrl is the order's `checkout_url`, from the shop's backend. The shop's origin must be in merchant.allowed_origins:
// elsewhere browsers refuse to show the frame. Options, all optional:
//
//   onStatus({ order_id, status, seen })   at the start and after each change; seen: a payment is under way
//   onLeave(url)                           the customer is to go on to success_url or cancel_url; without it, the page goes there
//   title, closeLabel                      what screen readers say; by itself "Checkout" and "Close" in the language of the page
//
// What is told here is for the eyes: an order is paid when the webhook says so.
(() => {
  "use strict";

  // What the window and its button are called, in the languages of the checkout.
  const LABELS = {
    en: ["Checkout", "Close"], de: ["Bezahlung", "Schließen"], fr: ["Paiement", "Fermer"], es: ["Pago", "Cerrar"], pt: ["Pagamento", "Fechar"],
    it: ["Pagamento", "Chiudi"], tr: ["Ödeme", "Kapat"], ru: ["Оплата", "Закрыть"], zh: ["付款", "关闭"], ar: ["الدفع", "إغلاق"],
  };

  /// As the shop's page speaks; else as its reader does.
  function labels({ title, closeLabel }) {
    const wanted = [document.documentElement.lang, ...navigator.languages].map((tag) => tag.split("-")[0].toLowerCase());
    const [ours, close] = LABELS[wanted.find((code) => Object.hasOwn(LABELS, code)) ?? "en"];
    return { title: title ?? ours, closeLabel: closeLabel ?? close };
  }

  const css = (element, rules) => Object.assign(element.style, rules);

  /// The frame, and the talk with it. Both sides name the other's origin, so that nobody else is heard or told.
  function frame(url, { onStatus, onLeave, onHeight, onClose, ...named }) {
    const { origin } = new URL(url, location.href);
    const element = document.createElement("iframe");
    const actions = {
      ready: () => element.contentWindow.postMessage({ ocrch: "hello" }, origin),
      status: ({ order_id, status, seen }) => onStatus?.({ order_id, status, seen }),
      leave: ({ url }) => (onLeave ?? goTo)(url),
      height: ({ height }) => onHeight?.(height),
      close: () => onClose?.(),
    };

    function hear(event) {
      if (event.source !== element.contentWindow || event.origin !== origin) return;
      if (Object.hasOwn(actions, event.data?.ocrch)) actions[event.data.ocrch](event.data);
    }

    element.title = labels(named).title;
    element.allow = "clipboard-write";
    element.referrerPolicy = "no-referrer";
    css(element, { display: "block", width: "100%", border: "0", colorScheme: "light dark" });
    window.addEventListener("message", hear);
    element.src = url;
    return { element, stop: () => window.removeEventListener("message", hear) };
  }

  function goTo(url) {
    if (/^https?:\/\//i.test(url)) location.assign(url);
  }

  /// Puts the checkout into an element (or what a selector finds), as high as it needs to be.
  function mount(place, url, options = {}) {
    const parent = typeof place === "string" ? document.querySelector(place) : place;
    if (!parent) throw new Error(`Ocrch.mount: there is no ${place}`);
    const inside = frame(url, { ...options, onHeight: (height) => (inside.element.style.height = `${height}px`) });
    inside.element.style.height = "40rem";
    parent.append(inside.element);
    return {
      element: inside.element,
      remove() {
        inside.stop();
        inside.element.remove();
      },
    };
  }

  /// Opens the checkout over the page. The browser's own dialog keeps the focus inside and gives it back afterwards.
  function open(url, options = {}) {
    return new Promise((resolve) => {
      let last = "closed";
      const dialog = document.createElement("dialog");
      const inside = frame(url, {
        ...options,
        onStatus(told) {
          if (told.status !== "pending") last = told.status;
          options.onStatus?.(told);
        },
        onClose: () => dialog.close(),
      });
      const { title, closeLabel } = labels(options);
      dialog.setAttribute("aria-label", title);
      css(dialog, { width: "min(64rem, 100vw)", height: "min(56rem, 100dvh)", maxWidth: "100vw", maxHeight: "100dvh", padding: "0", border: "0", borderRadius: "1.25rem", overflow: "hidden" });
      css(inside.element, { height: "100%" });
      dialog.append(closeButton(closeLabel, () => dialog.close()), inside.element);
      dialog.addEventListener("close", () => {
        inside.stop();
        dialog.remove();
        resolve(last);
      });
      document.body.append(dialog);
      dialog.showModal();
    });
  }

  function closeButton(label, close) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "✕";
    button.setAttribute("aria-label", label);
    css(button, { position: "absolute", top: ".5rem", insetInlineEnd: ".5rem", width: "2.75rem", height: "2.75rem", border: "0", borderRadius: "50%", background: "#0000", color: "GrayText", font: "inherit", cursor: "pointer" });
    button.addEventListener("click", close);
    return button;
  }

  globalThis.Ocrch = Object.freeze({ open, mount });
})();
