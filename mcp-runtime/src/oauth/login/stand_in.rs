//! Stands in for what other branches bring, with the same names and methods. To be deleted with their merge, and its lines in
//! `oauth/mod.rs` and `oauth/login/mod.rs` too.

#![allow(unreachable_pub, dead_code)]

macro_rules! stand_in {
    ($feature:literal, $type:ident) => {
        #[cfg(feature = $feature)]
        pub(crate) struct $type {
            name: String,
            label: String,
            issuer: String,
            told: Vec<String>,
            rules: crate::oauth::login::rules::Rules,
        }

        #[cfg(feature = $feature)]
        crate::oauth::login::federated::federated_login!($type);

        #[cfg(feature = $feature)]
        #[allow(dead_code)]
        impl $type {
            crate::oauth::login::rules::account_rules!();

            fn at(name: &str, issuer: String) -> Self {
                let rules = crate::oauth::login::rules::Rules::default();
                Self { name: name.to_owned(), label: name.to_owned(), issuer, told: Vec::new(), rules }
            }

            fn told(mut self, what: String) -> Self {
                self.told.push(what);
                self
            }

            pub(crate) fn organization(mut self, name: impl Into<String>) -> Self {
                self.rules.claim("organization".into(), vec![name.into()]);
                self
            }
        }

        #[cfg(feature = $feature)]
        #[async_trait::async_trait]
        impl crate::oauth::login::federated::FederatedLogin for $type {
            fn issuer(&self) -> &str {
                &self.issuer
            }

            fn problems(&self, _: &str, _: bool) -> Vec<String> {
                self.rules.problem().map(str::to_owned).into_iter().collect()
            }

            fn console(&self, callback: &str) -> Vec<String> {
                vec![format!("Redirect URI: {callback}")]
            }

            async fn depart(
                &self,
                _: &crate::oauth::login::federated::Trip,
            ) -> Result<String, crate::oauth::LoginError> {
                Err(crate::oauth::LoginError::Unavailable)
            }

            async fn arrive(
                &self,
                _: &crate::oauth::login::federated::Trip,
                _: &crate::oauth::visit::Form,
            ) -> Result<crate::oauth::login::federated::Arrived, crate::oauth::LoginError> {
                Err(crate::oauth::LoginError::Unavailable)
            }

            fn judge(
                &self,
                id: &str,
                claims: &crate::oauth::login::federated::Claims,
            ) -> Option<crate::oauth::Account> {
                self.rules.judge(&self.issuer, id, id, claims)
            }

            async fn recheck(
                &self,
                _: &str,
                _: Option<&crate::oauth::login::federated::UpstreamTokens>,
            ) -> Result<crate::oauth::login::federated::Rechecked, crate::oauth::LoginError> {
                Err(crate::oauth::LoginError::Unavailable)
            }

            async fn refresh(
                &self,
                _: &crate::oauth::login::federated::UpstreamTokens,
            ) -> Result<crate::oauth::login::federated::UpstreamTokens, crate::oauth::LoginError> {
                Err(crate::oauth::LoginError::Unavailable)
            }

            fn access(&self) -> &[crate::oauth::login::federated::UpstreamScope] {
                &[]
            }

            fn patience(&self) -> crate::oauth::login::federated::Patience {
                crate::oauth::login::federated::Patience::default()
            }
        }
    };
}

stand_in!("firebase", Firebase);

#[cfg(feature = "firebase")]
impl Firebase {
    pub(crate) fn project(id: impl Into<String>) -> Self {
        Self::at("firebase", format!("https://securetoken.google.com/{}", id.into()))
    }

    pub(crate) fn api_key(self, key: impl Into<String>) -> Self {
        self.told(format!("key {}", key.into()))
    }

    pub(crate) fn service_account(self, email: impl Into<String>, key: impl Into<String>) -> Self {
        self.told(format!("account {} {}", email.into(), key.into()))
    }
}
