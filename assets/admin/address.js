// The addresses of the dashboard's views.

/** An address of a view. */
export function to(path, query = {}) {
  const set = Object.entries(query).filter(([, value]) => value);
  const text = new URLSearchParams(set).toString();
  return `#/${path}${text ? `?${text}` : ""}`;
}
