// Asks for the order and the ways to pay as soon as can be: the rest of the page is still on its way meanwhile.

import { client, readLink } from "./api.js";
import { apiBase, refresh } from "./settings.js";

/// What the page's address says, and the API for it; null where the address is incomplete.
export const link = readLink(location.href);
export const api = link && client(link, apiBase, refresh);

/// The order, and the pairs of coin and network that it can be paid with.
export const ask = () => Promise.all([api.status(), api.chains()]);

/// The first answer. Who uses it handles its failure, possibly much later.
export const first = api && ask();
first?.catch(() => {});
