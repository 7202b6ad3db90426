// Runs a piece of code in its language, as somebody would who copied it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// The command for a file, the one that only checks its syntax, and where its output has the status.
const LANGUAGES = {
  curl: { file: "call.sh", run: ["bash"], check: ["bash", "-n"], status: /(\d{3})\s*$/ },
  "Node.js": { file: "call.mjs", run: ["node", "--no-warnings", "--experimental-websocket"], check: ["node", "--check"], status: /^(\d{3})/ },
  Python: { file: "call.py", run: ["python3"], check: ["python3", "-m", "py_compile"], status: /^(\d{3})/ },
  PHP: { file: "call.php", run: ["php"], check: ["php", "-l"], status: /^HTTP\/\S+ (\d{3})/ },
};

/// What it printed, the status in that, and whether the syntax is right.
export function run(language, code, { secret, admin_secret }) {
  const { file, run, check, status } = LANGUAGES[language];
  const dir = mkdtempSync(join(tmpdir(), "ocrch-code-"));
  const env = { PATH: process.env.PATH, HOME: dir, MERCHANT_SECRET: secret, ADMIN_SECRET: admin_secret };
  const start = ([command, ...options]) =>
    spawnSync(command, [...options, join(dir, file)], { cwd: dir, env, encoding: "utf8", timeout: 60_000 });
  try {
    writeFileSync(join(dir, file), code);
    const checked = start(check);
    const ran = start(run);
    return {
      syntax: checked.status === 0 ? "" : `${checked.error ?? ""}${checked.stderr}`,
      status: Number(ran.stdout?.match(status)?.[1] ?? 0),
      printed: `${ran.error ?? ""}${ran.stdout}${ran.stderr}`,
    };
  } finally {
    rmSync(dir, { recursive: true });
  }
}
