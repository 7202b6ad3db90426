// Keeps an order's state fresh: a WebSocket when there is one, polling when there is none.

const POLL_MS = 3_000;
// A socket can die without a sound (sleep, a changed network), so one that is open is still checked on.
const CHECK_MS = 30_000;
const FIRST_MESSAGE_MS = 10_000;
const LONGEST_RETRY_MS = 30_000;

export const isTerminal = (order) => ["paid", "expired", "cancelled"].includes(order.status);

/// Calls onOrder with each state, onConnection with whether the server answers, and onEnd with the error that makes
/// waiting pointless; stops by itself at a terminal state.
export function watch(api, order, { onOrder, onConnection, onEnd }) {
  let stopped = false;
  let socket = null;
  let connecting = false;
  let polling = false;
  let failures = 0;
  let known = fingerprint(order);
  let updates = 0;
  let pollTimer, retryTimer, silenceTimer;

  function take(order) {
    if (stopped) return;
    updates += 1;
    known = fingerprint(order);
    onOrder(order);
    if (isTerminal(order)) stop();
  }

  async function poll() {
    if (stopped || polling) return;
    polling = true;
    clearTimeout(pollTimer);
    const before = updates;
    try {
      const order = await api.status();
      onConnection(true);
      // An answer that a socket's message overtook is older than what is on the page.
      if (updates === before && fingerprint(order) !== known) {
        // An open socket that did not say so is deaf.
        if (socket?.readyState === WebSocket.OPEN) dropSocket();
        take(order);
      }
    } catch (error) {
      if (error.status >= 400 && error.status < 500 && error.status !== 429) {
        stop();
        onEnd(error);
      } else if (!stopped) {
        onConnection(false);
      }
    }
    polling = false;
    if (!stopped) pollTimer = setTimeout(poll, socket ? CHECK_MS : POLL_MS);
  }

  // What goes wrong here is never shown: polling carries on, and reports what a shopper has to know.
  async function connect() {
    if (stopped || connecting || socket) return;
    connecting = true;
    clearTimeout(retryTimer);
    try {
      const ticket = await api.ticket();
      if (!stopped) openSocket(api.socketUrl(ticket));
    } catch {
      retryLater();
    }
    connecting = false;
  }

  function openSocket(url) {
    socket = new WebSocket(url);
    silenceTimer = setTimeout(dropSocket, FIRST_MESSAGE_MS);
    socket.onmessage = ({ data }) => {
      const message = parse(data);
      // An error frame does not end the connection; whether the order is gone is polling's to say.
      if (message?.type !== "status_update") return;
      clearTimeout(silenceTimer);
      failures = 0;
      onConnection(true);
      take(message.order);
    };
    socket.onclose = dropSocket;
  }

  function dropSocket() {
    if (!socket) return;
    clearTimeout(silenceTimer);
    // Its own close event may be minutes away, or come when another socket is in place.
    socket.onclose = socket.onmessage = null;
    socket.close();
    socket = null;
    if (stopped) return;
    retryLater();
    clearTimeout(pollTimer);
    poll();
  }

  function retryLater() {
    const delay = Math.min(LONGEST_RETRY_MS, 1_000 * 2 ** failures) * (0.5 + Math.random() / 2);
    failures += 1;
    clearTimeout(retryTimer);
    retryTimer = setTimeout(connect, delay);
  }

  // After sleep, after being offline, and when the browser brings the page back from its history.
  function wake() {
    if (document.visibilityState === "hidden") return;
    failures = 0;
    connect();
    poll();
  }

  function stop() {
    stopped = true;
    for (const timer of [pollTimer, retryTimer, silenceTimer]) clearTimeout(timer);
    dropSocket();
    document.removeEventListener("visibilitychange", wake);
    window.removeEventListener("online", wake);
    window.removeEventListener("pageshow", wake);
  }

  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  window.addEventListener("pageshow", wake);
  window.addEventListener("offline", () => !stopped && onConnection(false));
  connect();
  pollTimer = setTimeout(poll, POLL_MS);
}

const fingerprint = ({ status, payment }) => [status, payment?.txn_hash, payment?.confirmations].join();

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
