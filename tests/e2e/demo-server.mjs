// `ocrch demo` as a child process, for scripts that are run by hand.
import { spawn } from "node:child_process";
import { createServer } from "node:net";

/// Starts it and gives its address; `stop` ends it.
export async function startDemo(binary) {
  const listen = `127.0.0.1:${await freePort()}`;
  const child = spawn(binary, ["demo", "--listen", listen], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve, reject) => {
    child.stdout.once("data", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the demo ended with ${code}`)));
  });
  return { base: `http://${listen}`, stop: () => child.kill("SIGTERM") };
}

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
