// How a script and its test speak: JSON, one value a line.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export async function hear() {
  const { value, done } = await lines.next();
  if (done) throw new Error("the test is gone");
  return JSON.parse(value);
}

export function tell(step, values = {}) {
  process.stdout.write(`${JSON.stringify({ step, ...values })}\n`);
}
