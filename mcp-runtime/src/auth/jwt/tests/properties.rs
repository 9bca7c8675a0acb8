//! Whatever comes: no panic, and nothing accepted but what was signed.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

static SCENE: LazyLock<(Scene, String)> = LazyLock::new(|| {
    let scene = Scene::new().with(Jwt::accept_plain_jwt);
    let token = scene.token().scopes(["a", "b"]).build();
    (scene, token)
});

fn accepted(token: &str) -> bool {
    let (scene, _) = &*SCENE;
    if let Some(bearer) = BearerToken::new(token) {
        let _ = scene.jwt.claims(&bearer);
    }
    scene.verify(token).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise(token in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(!accepted(&String::from_utf8_lossy(&token)));
    }

    #[test]
    fn three_parts_of_noise(
        header in proptest::collection::vec(any::<u8>(), 0..80),
        claims in proptest::collection::vec(any::<u8>(), 0..80),
        signature in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let token = format!("{}.{}.{}", b64(header), b64(claims), b64(signature));
        prop_assert!(!accepted(&token));
    }

    #[test]
    fn good_header_then_noise(claims in "\\{(\"[a-z]{3}\":[0-9a-z\"\\[{]{0,9},?){0,4}\\}?", signature in any::<[u8; 64]>()) {
        let token = format!("{}.{}.{}", b64(r#"{"alg":"ES256"}"#), b64(claims), b64(signature));
        prop_assert!(!accepted(&token));
    }

    #[test]
    fn mutations(changes in proptest::collection::vec((any::<prop::sample::Index>(), 0x20u8..0x7F, 0..3u8), 1..4)) {
        let (_, good) = &*SCENE;
        let mut token = good.clone().into_bytes();
        for (index, byte, how) in changes {
            let at = index.index(token.len());
            match how {
                0 => token[at] = byte,
                1 => token.insert(at, byte),
                _ => drop(token.remove(at)),
            }
        }
        let token = String::from_utf8(token).unwrap();
        prop_assert_eq!(accepted(&token), token == *good);
    }
}
