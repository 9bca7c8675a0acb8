const at = (id) => document.getElementById(id);
const { app, auth, apiKey, authDomain, project, tenant } = at("sign-in").dataset;

const say = (text) => {
  at("message").textContent = text;
  at("message").hidden = false;
};

const WORDS = {
  "auth/popup-blocked": "The browser did not let the sign-in window open. Allow windows for this page, then try again.",
  "auth/popup-closed-by-user": "The sign-in window was closed before it was done. Try again.",
  "auth/cancelled-popup-request": "The sign-in window was closed before it was done. Try again.",
  "auth/user-cancelled": "The sign-in was cancelled. Try again.",
  "auth/invalid-credential": "The e-mail address or the password is wrong.",
  "auth/invalid-login-credentials": "The e-mail address or the password is wrong.",
  "auth/invalid-email": "The e-mail address or the password is wrong.",
  "auth/wrong-password": "The e-mail address or the password is wrong.",
  "auth/user-not-found": "The e-mail address or the password is wrong.",
  "auth/user-disabled": "This account is disabled.",
  "auth/too-many-requests": "There were too many tries. Wait a little, then try again.",
  "auth/network-request-failed": "Google could not be reached. Check the connection, then try again.",
  "auth/internal-error": "What the sign-in window needs could not be loaded. A content blocker may be in the way of apis.google.com.",
  "auth/account-exists-with-different-credential": "This e-mail address signs in in another way. Try that one.",
  "auth/multi-factor-auth-required": "This account needs a second factor, which this page does not offer.",
  "auth/unauthorized-domain": "This server is not among the authorized domains of its Firebase project. Tell its operator.",
  "auth/operation-not-allowed": "This way to sign in is not enabled in the Firebase project. Tell the operator.",
  "auth/admin-restricted-operation": "This way to sign in is not enabled in the Firebase project. Tell the operator.",
  "auth/invalid-api-key": "The API key of the Firebase project is wrong. Tell the operator.",
};

const busy = (is) => {
  for (const control of at("sign-in").querySelectorAll("button, input")) control.disabled = is;
};

const post = (token) => {
  const form = at("result");
  form.elements.id_token.value = token;
  form.submit();
  // What is sent was read already. Nobody who comes back to this page finds it.
  form.elements.id_token.value = "";
};

const providerOf = (sdk, id) => {
  const known = {
    "google.com": sdk.GoogleAuthProvider,
    "facebook.com": sdk.FacebookAuthProvider,
    "github.com": sdk.GithubAuthProvider,
    "twitter.com": sdk.TwitterAuthProvider,
  }[id];
  const provider = known ? new known() : new (id.startsWith("saml.") ? sdk.SAMLAuthProvider : sdk.OAuthProvider)(id);
  if (id === "google.com") provider.setCustomParameters({ prompt: "select_account" });
  return provider;
};

const offer = (sdk, session) => {
  const signIn = async (ask) => {
    at("message").hidden = true;
    busy(true);
    try {
      const { user } = await ask();
      const token = await user.getIdToken();
      await sdk.signOut(session);
      post(token);
    } catch (error) {
      say(WORDS[error?.code] ?? "The sign-in failed. Try again.");
      busy(false);
    }
  };
  for (const button of document.querySelectorAll("[data-method]")) {
    const { method } = button.dataset;
    const ask = method === "anonymous"
      ? () => sdk.signInAnonymously(session)
      : () => sdk.signInWithPopup(session, providerOf(sdk, method));
    button.addEventListener("click", () => signIn(ask));
  }
  at("password")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const [email, password] = [at("email").value, at("secret").value];
    at("secret").value = "";
    signIn(() => sdk.signInWithEmailAndPassword(session, email, password));
  });
  addEventListener("pageshow", (event) => event.persisted && busy(false));
};

const start = async () => {
  const [{ initializeApp }, sdk] = await Promise.all([import(app), import(auth)]);
  // Nothing of a sign-in stays in this browser.
  const session = sdk.initializeAuth(initializeApp({ apiKey, authDomain, projectId: project }), {
    persistence: sdk.inMemoryPersistence,
    popupRedirectResolver: document.querySelector("[data-method]") ? sdk.browserPopupRedirectResolver : undefined,
  });
  if (tenant) session.tenantId = tenant;
  offer(sdk, session);
};

const BLOCKED = "The sign-in of Google Firebase could not be loaded, and there is no other way to log in here. "
  + "A content blocker or a firewall may be in the way of ";
const slow = setTimeout(() => say(BLOCKED + new URL(auth).host + "; or it is slow today."), 15000);
try {
  await start();
  at("sign-in").hidden = false;
} catch {
  say(BLOCKED + new URL(auth).host + ". Then load this page again.");
}
clearTimeout(slow);
at("loading").hidden = true;
