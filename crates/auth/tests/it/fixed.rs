//! Tokens of an issuer of RS256 and ES256, made once with OpenSSL and good until 2100; the private
//! keys are gone. Claims: {"sub": "stranger", "aud": "lotse", "iss": "https://issuer.example", "scope": "tickets.read", "exp": 4102444800}.

/// The issuer's public keys.
pub(crate) const JWKS: &str = r#"{
  "keys": [
    {
      "kty": "RSA",
      "kid": "rsa",
      "use": "sig",
      "alg": "RS256",
      "n": "v3xNm-FUXMgcCqY75EWd3x22MgdNqpINjx0aCv-TVr4hTXdoanDM2sZnfVDzGnltTpeD8V-s9RGmbgB02zvLR5pSaRlPSyGA6Qes_2RSygyjtd_HAVnqNpskyt-noziSO4QP9T89PFDNQfZifqZJMK0F7T64HHuddeVKH6QbPjneWZMziHlpBgQxrP3wNSuXu8AVh5mY54j7odjpm6SlKpNPMHRMMwnDsLPO_KPgoKVuC2omIGs4tBIYDsfnIdLF1vx1deOE6QjX-Elvitinui2Z5nGJIwz5r8WQc_91l3TpuONasjRP1T6ngsHMl-1oJdhGRHHZ5gBDMDu9MAxv0Q",
      "e": "AQAB"
    },
    {
      "kty": "EC",
      "crv": "P-256",
      "kid": "ec",
      "use": "sig",
      "alg": "ES256",
      "x": "ZbXLEFzHe6qGwEhfV_q9PXGiOF5EwQXYtlFrO00BKzk",
      "y": "KCL0rlVt25bex28aqJ4MjFjjlF_0p3V346GLk_v6ZYk"
    }
  ]
}"#;

/// Signed with RSA.
pub(crate) const RS256: &str = concat!(
    "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJzdHJhbmdlciIsImF1ZCI",
    "6ImxvdHNlIiwiaXNzIjoiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsInNjb3BlIjoidGlja2V0cy5yZWFkIiw",
    "iZXhwIjo0MTAyNDQ0ODAwfQ.WY13vGqsfjlG6wYycL8tKIjYS1qei99Ww22w78EA83PzRqQHaRnahVoLkz9I",
    "Yn8TSHrnqUlqFOipwaJ_PZuvHKYDDP77VGXamsDMTUYei9nzbB4GP39xZPpSd5MeiSUl0J5i1-Tlctgp_CAl",
    "J532xVLDY6Cfi9o9I3CCTbYGKWaVGdL553UsYBR9L3mO0CxDKY8vR1-sa5kO1eZXPexkQug_XByu_A1AULi1",
    "rOSH6cHRVQ93IpMh8grxz_wcOzwjSVlfQQ5_xuyi6yjsGO4VPVjWckFCPV0Gj5osGc82qNoDpujjJW4OMSET",
    "I6eLnWYxSW6rPmTLPcjvIjC7974GFw",
);

/// Signed with P-256.
pub(crate) const ES256: &str = concat!(
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjIiwidHlwIjoiSldUIn0.eyJzdWIiOiJzdHJhbmdlciIsImF1ZCI6",
    "ImxvdHNlIiwiaXNzIjoiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsInNjb3BlIjoidGlja2V0cy5yZWFkIiwi",
    "ZXhwIjo0MTAyNDQ0ODAwfQ.XVedRovgfoGEPT2Heu860n1xc-898GT8zJA4Trd4NmmuZl60OiDWAsRUgz_8n",
    "grfh1ZxBePHcC05eNxW8vB7Vw",
);
