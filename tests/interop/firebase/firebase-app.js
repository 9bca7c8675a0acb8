// A stub of the vendor's script: as much of `firebase-app.js` as our page uses.

export const initializeApp = configuration => ({ options: configuration });
