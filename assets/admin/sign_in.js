// The form that trades the admin secret for a session.

import { ApiError, session, signIn } from "./api.js";
import { h, replace } from "./dom.js";

/** For who copied what the file has since the first start. */
const HASH =
  "That is the secret’s hash, and nobody can sign in with it. Use the secret itself. If it is lost, write a new one in the place of the hash, and restart the server or have it read the file again.";

/** `why` says why it is shown, where that is not plain. */
export function signInForm(onSignedIn, why) {
  const secret = h("input", { id: "secret", type: "password", autocomplete: "current-password", required: true, "aria-describedby": "sign-in-problem" });
  const problem = h("p", { id: "sign-in-problem", role: "alert" });
  const button = h("button", { class: "main" }, "Sign in");
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await signIn(secret.value);
      onSignedIn(await signedIn());
    } catch (error) {
      problem.className = "problem";
      replace(problem, explain(error, secret.value));
      button.disabled = false;
      secret.select();
    }
  };
  return h(
    "main",
    { class: "sign-in" },
    h(
      "form",
      { onsubmit: submit },
      h("h1", {}, "Ocrch"),
      why && h("p", { role: "status" }, why),
      h("label", { for: "secret" }, "Admin secret", h("span", { class: "hint" }, "The secret that stood under ", h("code", {}, "[admin]"), " in ocrch.toml before the server first started, as you or ocrch init wrote it.")),
      secret,
      problem,
      button
    )
  );
}

/** Who is signed in now, by the cookie. */
async function signedIn() {
  try {
    return await session();
  } catch (error) {
    if (error.status !== 401) throw error;
    throw new ApiError(403, "Your browser did not keep the cookie of the session. Open this page by https, or through a tunnel at http://127.0.0.1.");
  }
}

function explain(error, secret) {
  if (error.status === 401) return secret.trim().startsWith("$argon2") ? HASH : "That is not the admin secret.";
  if (error.status === 429) return `Too many wrong attempts. Try again in ${error.retryAfter ?? 60} seconds.`;
  return error.message;
}
