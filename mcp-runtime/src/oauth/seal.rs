//! The one secret of a deployment, and everything that is derived from it.

use std::{
    fmt, fs,
    io::{self, ErrorKind, Read, Write},
    path::Path,
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    constant_time, hkdf, hmac,
    rand::{SecureRandom, SystemRandom},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

use crate::store::make_private;

/// The key that everything secret in the store is sealed with, and that refresh tokens, cookies and form tokens are made
/// with: 32 random bytes. Whoever has it and the store can be anybody; whoever loses it must have everybody log in again.
/// Keep it away from the store's backups. Its `Debug` shows nothing.
///
/// ```no_run
/// use mcp_runtime::oauth::StoreKey;
///
/// let key = StoreKey::load_or_create("./data/store.key")?;
/// # Ok::<(), mcp_runtime::oauth::StoreKeyError>(())
/// ```
pub struct StoreKey {
    newest: [u8; 32],
    /// What came before it, the newest of these first.
    previous: Vec<[u8; 32]>,
}

impl StoreKey {
    const fn of(newest: [u8; 32]) -> Self {
        Self { newest, previous: Vec::new() }
    }

    /// Reads 32 random bytes in base64 or base64url, with or without the `=` at the end: from an environment variable, for
    /// example. `openssl rand -base64 32` makes such a text.
    ///
    /// ```
    /// use mcp_runtime::oauth::StoreKey;
    ///
    /// # let text = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwKy8=";
    /// let key = StoreKey::from_base64(text)?;
    /// # Ok::<(), mcp_runtime::oauth::StoreKeyError>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreKeyError`] if it is anything else.
    pub fn from_base64(text: &str) -> Result<Self, StoreKeyError> {
        let text = text.trim();
        let text = text.strip_suffix('=').unwrap_or(text);
        let bytes = URL_SAFE_NO_PAD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text));
        let bytes = bytes.map_err(|_| StoreKeyError::Malformed)?;
        bytes.try_into().map(Self::of).map_err(|_| StoreKeyError::Malformed)
    }

    /// A new one.
    ///
    /// # Errors
    /// [`StoreKeyError::Randomness`] if the system has none.
    pub fn generate() -> Result<Self, StoreKeyError> {
        random().map(Self::of).ok_or(StoreKeyError::Randomness)
    }

    /// Still reads what was made with a key before this one; everything new is made with this one. May be called several
    /// times. So a key is changed without anybody having to log in again: for as long as a grant and a login last (37 days,
    /// unless you say otherwise) the old one is given as well, and by then everything has been written anew or has ended.
    /// Give all processes on a store both keys before one of them begins to use the new one as the first.
    ///
    /// ```no_run
    /// use mcp_runtime::oauth::StoreKey;
    ///
    /// let key = StoreKey::load_or_create("./data/store-2.key")?
    ///     .with_previous(StoreKey::load_or_create("./data/store.key")?);
    /// # Ok::<(), mcp_runtime::oauth::StoreKeyError>(())
    /// ```
    #[must_use]
    pub fn with_previous(mut self, previous: StoreKey) -> Self {
        self.previous.push(previous.newest);
        self.previous.extend(previous.previous);
        self
    }

    /// Reads the key from a file (as [`from_base64`](Self::from_base64)), or makes one that only this user can read, and its
    /// folder with mode 0700 if that is not there. One that others can read or write is refused, as the store's file is; its group may read it.
    ///
    /// # Errors
    /// [`StoreKeyError`] if the file cannot be read or made, or holds something else.
    pub fn load_or_create(path: impl AsRef<Path>) -> Result<Self, StoreKeyError> {
        let path = path.as_ref();
        if let Some(key) = Self::load(path)? {
            return Ok(key);
        }
        let key = Self::generate()?;
        match key.write_new(path) {
            Ok(()) => Ok(key),
            // A process that was faster has made the key of both.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Self::load(path)?.ok_or(StoreKeyError::File(error))
            }
            Err(error) => Err(StoreKeyError::File(error)),
        }
    }

    fn load(path: &Path) -> Result<Option<Self>, StoreKeyError> {
        match read_private(path) {
            Ok(text) => Self::from_base64(&text).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreKeyError::File(error)),
        }
    }

    /// Writes the key to where nothing is: aside first, so that nobody ever reads a part of it.
    fn write_new(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        make_private(folder)?;
        let suffix = URL_SAFE_NO_PAD.encode(random::<9>().ok_or(ErrorKind::Other)?);
        let aside = folder.join(format!(".store-key-{suffix}"));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&aside)?;
        let text = URL_SAFE_NO_PAD.encode(self.newest);
        let written =
            writeln!(file, "{text}").and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&aside, path));
        fs::remove_file(&aside)?;
        // So that the name stays after a loss of power: without the key, what the store holds is lost as well.
        #[cfg(unix)]
        fs::File::open(folder)?.sync_all()?;
        written
    }

    /// Keys for one purpose, of which no others can be told, the newest first; `None` rather than one that anybody knows.
    fn derive<const N: usize>(&self, purpose: &'static [u8]) -> Option<Vec<[u8; N]>> {
        std::iter::once(&self.newest).chain(&self.previous).map(|key| derive(key, purpose)).collect()
    }
}

fn derive<const N: usize>(key: &[u8; 32], purpose: &'static [u8]) -> Option<[u8; N]> {
    struct Bytes<const N: usize>;
    impl<const N: usize> hkdf::KeyType for Bytes<N> {
        fn len(&self) -> usize {
            N
        }
    }
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"mcp-runtime store key v1");
    let mut derived = [0; N];
    salt.extract(key).expand(&[purpose], Bytes::<N>).and_then(|okm| okm.fill(&mut derived)).ok()?;
    Some(derived)
}

/// Reads a file that nobody else can write, and nobody but its group can read.
fn read_private(path: &Path) -> io::Result<String> {
    let file = fs::File::open(path)?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::mode(&file.metadata()?) & 0o027 != 0 {
        let why = "others can read or write it: `chmod 600` it, and make another key if they may have";
        return Err(io::Error::new(ErrorKind::PermissionDenied, why));
    }
    let mut text = String::new();
    file.take(1_024).read_to_string(&mut text).map(|_| text)
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(..)")
    }
}

/// Why there is no key.
#[non_exhaustive]
pub enum StoreKeyError {
    /// Not 32 bytes in base64 or base64url.
    Malformed,
    /// The system has no randomness.
    Randomness,
    /// The file cannot be read or made.
    File(std::io::Error),
}

impl fmt::Debug for StoreKeyError {
    /// The same as `Display`: this is what a `main` that returns it prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StoreKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => {
                f.write_str("the store key must be 32 bytes in base64; make one with `openssl rand -base64 32`")
            }
            Self::Randomness => f.write_str("the system has no randomness"),
            Self::File(error) => write!(f, "the file of the store key cannot be used: {error}"),
        }
    }
}

impl std::error::Error for StoreKeyError {}

/// Random bytes for a secret or an identifier.
pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).ok().map(|()| bytes)
}

/// A message authentication code (HMAC-SHA-256) for one purpose: made with the newest key, known by each.
pub(crate) struct Mac {
    newest: hmac::Key,
    previous: Vec<hmac::Key>,
}

impl Mac {
    pub(crate) fn new(key: &StoreKey, purpose: &'static [u8]) -> Option<Self> {
        let mut keys = key.derive::<32>(purpose)?.into_iter().map(|key| hmac::Key::new(hmac::HMAC_SHA256, &key));
        Some(Self { newest: keys.next()?, previous: keys.collect() })
    }

    /// The code of these parts. Each is preceded by its length, so that no two lists of parts are one message.
    pub(crate) fn of(&self, parts: &[&[u8]]) -> [u8; 32] {
        code_of(&self.newest, parts)
    }

    /// Whether this is their code; takes the same time for any other.
    pub(crate) fn is_of(&self, code: &[u8], parts: &[&[u8]]) -> bool {
        let is_by = |key| constant_time::verify_slices_are_equal(code, &code_of(key, parts)).is_ok();
        self.previous.iter().fold(is_by(&self.newest), |found, key| found | is_by(key))
    }
}

fn code_of(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut code = [0; 32];
    code.copy_from_slice(context.sign().as_ref());
    code
}

/// Authenticated encryption for one purpose (AES-256-GCM, random nonce in front): sealed with the newest key, opened with
/// each.
pub(crate) struct Seal(Vec<RandomizedNonceKey>);

/// What was sealed.
pub(crate) struct Opened {
    pub(crate) plain: Vec<u8>,
    /// Whether a key before the newest one sealed it.
    pub(crate) is_of_previous: bool,
}

impl Seal {
    pub(crate) fn new(key: &StoreKey, purpose: &'static [u8]) -> Option<Self> {
        let derived = key.derive::<32>(purpose)?;
        derived.iter().map(|key| RandomizedNonceKey::new(&AES_256_GCM, key).ok()).collect::<Option<_>>().map(Self)
    }

    /// Encrypts; `place` must be given again to read it, so that a sealed value moved elsewhere cannot be opened.
    pub(crate) fn seal(&self, plain: &[u8], place: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = plain.to_vec();
        let nonce = self.0.first()?.seal_in_place_append_tag(Aad::from(place), &mut sealed).ok()?;
        let nonce: &[u8; NONCE_LEN] = nonce.as_ref();
        Some([&nonce[..], &sealed].concat())
    }

    /// Decrypts what [`seal`](Self::seal) made for this place.
    pub(crate) fn open(&self, sealed: &[u8], place: &[u8]) -> Option<Vec<u8>> {
        self.open_any(sealed, place).map(|opened| opened.plain)
    }

    /// The same, and tells whether it should be sealed anew.
    pub(crate) fn open_any(&self, sealed: &[u8], place: &[u8]) -> Option<Opened> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        self.0.iter().enumerate().find_map(|(at, key)| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut bytes = rest.to_vec();
            let plain = key.open_in_place(nonce, Aad::from(place), &mut bytes).ok()?.to_vec();
            Some(Opened { plain, is_of_previous: at > 0 })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let key = StoreKey::generate().unwrap();
        let seal = Seal::new(&key, b"test").unwrap();
        let sealed = seal.seal(b"secret", b"here").unwrap();
        assert_eq!(seal.open(&sealed, b"here").as_deref(), Some(&b"secret"[..]));
        assert_eq!(seal.open(&sealed, b"there"), None);
        assert_eq!(Seal::new(&key, b"other").unwrap().open(&sealed, b"here"), None);
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn what_cannot_be_derived_is_no_key() {
        // By HKDF-SHA-256, computed elsewhere: another key would open nothing of what is in stores.
        let key = StoreKey::of([7; 32]);
        assert_eq!(
            URL_SAFE_NO_PAD.encode(key.derive::<32>(b"test").unwrap()[0]),
            "IstZNsaoLPejAEBKEUo9RH5SgmBitn3YAqopBopgxWU"
        );
        assert_ne!(key.derive::<32>(b"test"), key.derive::<32>(b"other"));
        // More than HKDF can give (RFC 5869 §2.3).
        assert!(key.derive::<{ 255 * 32 + 1 }>(b"test").is_none());
    }

    #[test]
    fn a_file_is_made_once_and_read_ever_after() {
        let folder = std::env::temp_dir().join(URL_SAFE_NO_PAD.encode(random::<12>().unwrap()));
        let path = folder.join("data/store.key");
        let made = StoreKey::load_or_create(&path).unwrap();
        let again = StoreKey::load_or_create(&path).unwrap();
        assert_eq!(made.newest, again.newest);
        let late = StoreKey::generate().unwrap().write_new(&path).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::AlreadyExists);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "something was left behind");
        #[cfg(unix)]
        for (mode, is_private) in [(0o640, true), (0o400, true), (0o644, false), (0o620, false), (0o602, false)] {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let loaded = StoreKey::load_or_create(&path).map(|key| key.newest).map_err(|error| error.to_string());
            assert_eq!(loaded.is_ok(), is_private, "{mode:o}");
            assert!(loaded.err().is_none_or(|error| error.contains("chmod 600")), "{mode:o}");
        }
        fs::remove_file(&path).unwrap();
        made.write_new(&path).unwrap();
        fs::write(&path, "something else").unwrap();
        assert!(matches!(StoreKey::load_or_create(&path), Err(StoreKeyError::Malformed)));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_key_may_be_written_in_either_alphabet() {
        let key = StoreKey::of([0xfb; 32]);
        for text in [
            "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=\n",
            "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s",
            "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s",
            "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s=",
        ] {
            assert_eq!(StoreKey::from_base64(text).unwrap().newest, key.newest, "{text}");
        }
        for bad in ["", "=", "hunter2", "-/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=", "+/v7+/v7+/v7+/v7+/v7+/v7+w=="]
        {
            let error = StoreKey::from_base64(bad).unwrap_err();
            assert!(error.to_string().contains("openssl rand -base64 32"), "{bad}");
            assert_eq!(format!("{error:?}"), error.to_string(), "what a `main` prints");
        }
        let path = std::env::temp_dir();
        let error = StoreKey::load_or_create(path).unwrap_err();
        assert_eq!(format!("{error:?}"), error.to_string());
    }

    #[test]
    fn parts_cannot_be_shifted() {
        let mac = Mac::new(&StoreKey::generate().unwrap(), b"test").unwrap();
        let code = mac.of(&[b"ab", b"c"]);
        assert!(mac.is_of(&code, &[b"ab", b"c"]) && !mac.is_of(&code, &[b"a", b"bc"]) && !mac.is_of(&code[..31], &[]));
    }

    #[test]
    fn keys_before_are_still_read_and_nothing_new_is_made_with_them() {
        let [oldest, old, new] = [[1; 32], [2; 32], [3; 32]];
        let ring = StoreKey::of(new).with_previous(StoreKey::of(old).with_previous(StoreKey::of(oldest)));
        let both = StoreKey::of(new).with_previous(StoreKey::of(old)).with_previous(StoreKey::of(oldest));
        assert_eq!(ring.previous, both.previous);
        let (seal, mac) = (Seal::new(&ring, b"test").unwrap(), Mac::new(&ring, b"test").unwrap());
        for before in [oldest, old] {
            let (alone, code) =
                (Seal::new(&StoreKey::of(before), b"test").unwrap(), Mac::new(&StoreKey::of(before), b"test"));
            let opened = seal.open_any(&alone.seal(b"secret", b"here").unwrap(), b"here").unwrap();
            assert!(opened.plain == b"secret" && opened.is_of_previous);
            assert!(seal.open(&alone.seal(b"secret", b"here").unwrap(), b"there").is_none());
            assert!(mac.is_of(&code.unwrap().of(&[b"a"]), &[b"a"]));
            assert!(alone.open(&seal.seal(b"secret", b"here").unwrap(), b"here").is_none());
        }
        let alone = StoreKey::of(new);
        let sealed = seal.seal(b"secret", b"here").unwrap();
        assert!(!seal.open_any(&sealed, b"here").unwrap().is_of_previous);
        assert_eq!(Seal::new(&alone, b"test").unwrap().open(&sealed, b"here").as_deref(), Some(&b"secret"[..]));
        assert_eq!(mac.of(&[b"a"]), Mac::new(&alone, b"test").unwrap().of(&[b"a"]));
        // Without the one before, what it made is nothing.
        let (before, now) = (Mac::new(&StoreKey::of(old), b"test").unwrap(), Mac::new(&alone, b"test").unwrap());
        assert!(!now.is_of(&before.of(&[b"a"]), &[b"a"]));
    }
}
