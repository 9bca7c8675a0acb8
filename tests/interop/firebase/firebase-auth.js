// A stub of the vendor's script: as much of `firebase-auth.js` as our page uses. Its accounts are at the server that the
// script came from.

// As the vendor's imports its own.
import './firebase-app.js';

export const inMemoryPersistence = { type: 'NONE' };
export const browserPopupRedirectResolver = {};
const google = new URL(import.meta.url).origin;

export const initializeAuth = (app, { persistence }) => {
    if (persistence !== inMemoryPersistence) throw new Error('what is signed in would stay in this browser');
    return { app, currentUser: null, tenantId: null };
};

export async function signInWithEmailAndPassword(auth, email, password) {
    const url = `${google}/v1/accounts:signInWithPassword?key=${auth.app.options.apiKey}`;
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ returnSecureToken: true, email, password });
    const answer = await fetch(url, { method: 'POST', headers, body });
    if (!answer.ok) throw Object.assign(new Error('refused'), { code: 'auth/invalid-login-credentials' });
    const { idToken } = await answer.json();
    auth.currentUser = { getIdToken: async () => idToken };
    return { user: auth.currentUser };
}

export const signInAnonymously = auth => signInWithEmailAndPassword(auth, 'nobody@example.com', '');

export class GoogleAuthProvider {
    setCustomParameters() {}
}

/** No windows here. */
export async function signInWithPopup() {
    throw Object.assign(new Error('blocked'), { code: 'auth/popup-blocked' });
}

export const signOut = async auth => void (auth.currentUser = null);
