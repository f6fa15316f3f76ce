// Where the socket is, and how patiently one comes back to it.

export function socketAddress(query = ""): string {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}/ws${query}`;
}

/** Half a second, doubled up to eight, and less by chance, so that not all come back at once. */
export const backoff = (attempt: number) => Math.min(8_000, 500 * 2 ** attempt) * (0.5 + Math.random() / 2);
