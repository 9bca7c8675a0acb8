// Stands in for the Firebase web SDK in a browser: what the sign-in page uses of it, and no more.
//
// A test server answers with this file for `{base}/{version}/firebase-app.js` and for `…/firebase-auth.js`, as
// JavaScript and with `Access-Control-Allow-Origin`. Who signs in is decided there as well: every sign-in is
//
//   POST /stub/sign-in  {"method": …, "email": …, "password": …, "apiKey": …, "projectId": …, "authDomain": …, "tenantId": …}
//
// of the origin that this file came from, answered with {"idToken": …} or {"code": "auth/…"}, and with the same header.

const server = new URL(import.meta.url).origin;

class FirebaseError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

const fail = (code) => {
  throw new FirebaseError(code);
};

export const initializeApp = (options) => (options.apiKey ? { options } : fail("auth/invalid-api-key"));

export const inMemoryPersistence = { type: "NONE" };
export const browserPopupRedirectResolver = { popups: true };

// Stricter than the real one: nothing but memory, as nothing may stay in the browser.
export const initializeAuth = (app, { persistence, popupRedirectResolver } = {}) => {
  if (persistence?.type !== "NONE") fail("auth/argument-error");
  return { app, popupRedirectResolver, tenantId: null, currentUser: null };
};

const signIn = async (auth, method, more = {}) => {
  const { apiKey, projectId, authDomain } = auth.app.options;
  const body = JSON.stringify({ method, apiKey, projectId, authDomain, tenantId: auth.tenantId, ...more });
  // As text, so that the browser does not ask beforehand.
  const answer = await fetch(`${server}/stub/sign-in`, { method: "POST", body, credentials: "omit" })
    .catch(() => fail("auth/network-request-failed"));
  const { idToken, code } = await answer.json();
  if (code) fail(code);
  auth.currentUser = { getIdToken: async () => idToken };
  return { user: auth.currentUser };
};

class Provider {
  constructor(providerId) {
    this.providerId = providerId;
  }

  setCustomParameters(parameters) {
    this.parameters = parameters;
    return this;
  }
}

const named = (id) =>
  class extends Provider {
    constructor() {
      super(id);
    }
  };

export const GoogleAuthProvider = named("google.com");
export const FacebookAuthProvider = named("facebook.com");
export const GithubAuthProvider = named("github.com");
export const TwitterAuthProvider = named("twitter.com");
export const OAuthProvider = class extends Provider {};
export const SAMLAuthProvider = class extends Provider {
  constructor(id) {
    super(id.startsWith("saml.") ? id : fail("auth/argument-error"));
  }
};

export const signInWithPopup = async (auth, provider) => {
  if (!(provider instanceof Provider) || !auth.popupRedirectResolver) fail("auth/argument-error");
  // A browser opens windows only for somebody who clicked.
  if (!navigator.userActivation.isActive) fail("auth/popup-blocked");
  return signIn(auth, provider.providerId, provider.parameters);
};

export const signInWithEmailAndPassword = (auth, email, password) => signIn(auth, "password", { email, password });

export const signInAnonymously = (auth) => signIn(auth, "anonymous");

export const signOut = async (auth) => {
  auth.currentUser = null;
};
