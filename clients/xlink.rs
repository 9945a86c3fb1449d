//! Calls an API behind xLink: signs each request (RFC 9421) and checks the signature of the answer. Copy this file; it needs
//! `ring` (0.16 or 0.17) and `ureq` 2.
//!
//! ```ignore
//! mod xlink;
//! let key = xlink::Key::load("xlink-key.pem")?; // made if there is none; it is the identity, keep it secret
//! let client = xlink::Client::new(key, service); // the DID of the API
//! client.enroll("https://api.example.com", &api_key)?;
//! let answer = client.call("GET", "https://api.example.com/orders", &[], b"")?;
//! ```
//!
//! An answer that is not signed as it should be is `Error::NotSigned`, which has what the answer says of itself: the status, and
//! the code of a refusal. An API signs no refusal before it knows who asks. Answers of more than 64 KiB and event streams are signed
//! in trailers, which `ureq` does not show: they need `unsigned_ok`, as do paths that answer anybody, such as /health.
#![allow(dead_code)]

use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair, UnparsedPublicKey, ED25519};
use ring::digest::{digest, SHA256};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fmt, fs, io};

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// PKCS#8 of an Ed25519 key, up to its seed of 32 bytes.
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// Headers that change what a request does are signed always.
const CHANGES_MEANING: [&str; 7] = [
    "cookie", "idempotency-key", "prefer", "range", "x-http-method", "x-http-method-override", "x-method-override",
];
const SIGNATURE_OF_REQUEST: &str = r#""signature";req;key="xlink""#;
const FIXED: [&str; 6] = [
    r#""@status""#, r#""@method";req"#, r#""@path";req"#, r#""@query";req"#, SIGNATURE_OF_REQUEST, r#""content-digest""#,
];
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// What a call fails with.
#[derive(Debug)]
pub enum Error {
    /// The answer is not signed by the API, for this request. What it says of itself is not verified: anybody on the way may have
    /// written it. It is for people and logs; give nothing up for it, and send no key.
    NotSigned { status: u16, code: String },
    /// The API refused to put the DID in the place of a key, signed.
    Enrollment { status: u16, text: String },
    /// What was passed cannot be used.
    Invalid(&'static str),
    Io(io::Error),
    Http(Box<ureq::Error>),
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotSigned { status, code } if code.is_empty() => {
                write!(out, "the answer is not signed by the API, for this request (status {status})")
            }
            Error::NotSigned { status, code } => write!(
                out,
                "the answer is not signed by the API, for this request (status {status}; not verified, it says: {code})"
            ),
            Error::Enrollment { status, text } => write!(out, "enrollment: {status} {text}"),
            Error::Invalid(what) => write!(out, "{what}"),
            Error::Io(error) => write!(out, "{error}"),
            Error::Http(error) => write!(out, "{error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Io(error)
    }
}

/// An Ed25519 key: the identity.
pub struct Key(Ed25519KeyPair);

impl Key {
    /// Reads the private key in a PEM file, which is made, readable by its owner alone, if there is none.
    pub fn load(path: &str) -> Result<Key, Error> {
        match fs::read_to_string(path) {
            Ok(text) => Key::from_pem(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Key::make(path),
            Err(error) => Err(error.into()),
        }
    }

    fn from_pem(text: &str) -> Result<Key, Error> {
        let lines: String = text.lines().map(str::trim).filter(|line| !line.starts_with('-')).collect();
        let der = from_base64(&lines).ok_or(Error::Invalid("no PEM of an Ed25519 key"))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        Ok(Key(pair.map_err(|_| Error::Invalid("no PEM of an Ed25519 key"))?))
    }

    fn make(path: &str) -> Result<Key, Error> {
        let seed: [u8; 32] = random()?;
        let text = to_base64(&[&PKCS8[..], &seed[..]].concat());
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        write!(file, "-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed);
        Ok(Key(pair.map_err(|_| Error::Invalid("no seed of an Ed25519 key"))?))
    }

    /// did:key of the public key: z, and in base58 the bytes ed 01 and the key.
    pub fn did(&self) -> String {
        let mut number = vec![0xed, 1];
        number.extend_from_slice(self.0.public_key().as_ref());
        let mut digits = Vec::new();
        while number.iter().any(|byte| *byte != 0) {
            let mut rest = 0u32;
            for byte in number.iter_mut() {
                let value = rest * 256 + u32::from(*byte);
                *byte = (value / 58) as u8;
                rest = value % 58;
            }
            digits.push(BASE58[rest as usize] as char);
        }
        format!("did:key:z{}", digits.iter().rev().collect::<String>())
    }
}

/// What came back, checked.
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

/// Signs requests and takes signed answers. Follows no redirects.
pub struct Client {
    pub key: Key,
    /// DID of the API.
    pub service: String,
    /// `*`, all that the key was granted, unless set otherwise.
    pub scope: String,
    /// Takes answers without a signature; what is signed is checked all the same.
    pub unsigned_ok: bool,
    /// Further headers to sign.
    pub covers: Vec<String>,
    agent: ureq::Agent,
}

impl Client {
    pub fn new(key: Key, service: &str) -> Client {
        let agent = ureq::AgentBuilder::new().redirects(0).build();
        Client { key, service: service.into(), scope: "*".into(), unsigned_ok: false, covers: vec![], agent }
    }

    /// Puts the DID of the key in the place of an API key, or of an invitation (xinv_…). A refusal that is not signed, as that of a
    /// wrong key, is `Error::NotSigned`; its code is which it is, such as API_KEY_INVALID or INVITATION_REFUSED:USED.
    pub fn enroll(&self, origin: &str, secret: &str) -> Result<(), Error> {
        let header = if secret.starts_with("xinv_") { "xlink-invitation" } else { "x-api-key" };
        let url = format!("{origin}/.well-known/xlink/enroll");
        let answer = self.send("POST", &url, &[(header, secret)], b"", "xlink:enroll", &[header.into()])?;
        if answer.status == 200 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        Err(Error::Enrollment { status: answer.status, text })
    }

    /// Signs a request, sends it, and checks the answer, whatever its status. `url`: percent-encoded, as it is to be sent.
    pub fn call(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, Error> {
        self.send(method, url, headers, body, &self.scope, &self.covers)
    }

    fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        scope: &str,
        covers: &[String],
    ) -> Result<Answer, Error> {
        let mut fields: Vec<(String, String)> =
            headers.iter().map(|(name, value)| (name.to_lowercase(), value.trim().into())).collect();
        let mut own: Vec<String> =
            fields.iter().map(|(name, _)| name.clone()).filter(|name| is_signed(name, covers)).collect();
        own.sort();
        let mut set = |name: &str, value: &str| fields.push((name.into(), value.into()));
        set("xlink-to", &self.service);
        set("xlink-scope", scope);
        set("accept-encoding", "identity"); // what is signed is what comes
        let mut names: Vec<String> =
            ["@method", "@path", "@query", "xlink-to", "xlink-scope"].iter().map(|name| name.to_string()).collect();
        if !body.is_empty() {
            set("content-digest", &digest_of(body));
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                set("content-type", "application/octet-stream");
            }
            names.extend(["content-digest".into(), "content-type".into()]);
        }
        names.extend(own);

        let (path, query) = target_of(url)?;
        let derived: HashMap<&str, String> =
            [("@method", method.to_string()), ("@path", path), ("@query", query)].into_iter().collect();
        let nonce = to_base64(&random::<16>()?).replace('+', "-").replace('/', "_").replace('=', "");
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| Error::Invalid("the clock is before 1970"))?;
        let params = format!(
            r#"("{}");created={};keyid="{}";alg="ed25519";nonce="{nonce}";tag="xlink""#,
            names.join(r#"" ""#),
            seconds.as_secs(),
            self.key.did(),
        );
        let mut base = String::new();
        for name in &names {
            let found = fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
            let value = derived.get(name.as_str()).map(String::as_str).or(found).unwrap_or("");
            base += &format!("\"{name}\": {value}\n");
        }
        base += &format!("\"@signature-params\": {params}");
        let signature = format!(":{}:", to_base64(self.key.0.sign(base.as_bytes()).as_ref()));

        let mut request = self.agent.request(method, url);
        for (name, value) in &fields {
            request = request.set(name, value);
        }
        request = request.set("signature-input", &format!("xlink={params}")).set("signature", &format!("xlink={signature}"));
        let sent = if body.is_empty() && matches!(method, "GET" | "HEAD" | "DELETE" | "OPTIONS") {
            request.call()
        } else {
            request.send_bytes(body)
        };
        let response = match sent {
            Ok(response) | Err(ureq::Error::Status(_, response)) => response,
            Err(error) => return Err(Error::Http(Box::new(error))),
        };
        let answer = read(response)?;
        if self.unsigned_ok && !answer.headers.contains_key("signature-input") {
            return Ok(answer);
        }
        let mut components: HashMap<String, String> =
            derived.into_iter().map(|(name, value)| (format!("\"{name}\";req"), value)).collect();
        components.insert(SIGNATURE_OF_REQUEST.into(), signature);
        if self.is_signed_for(&answer, &nonce, &components) {
            return Ok(answer);
        }
        Err(Error::NotSigned { status: answer.status, code: code_of(&answer) })
    }

    fn is_signed_for(&self, answer: &Answer, nonce: &str, components: &HashMap<String, String>) -> bool {
        let field = |name: &str| answer.headers.get(name).map_or("", String::as_str);
        let Some(input) = field("signature-input").strip_prefix("xlink=") else { return false };
        let params = input.split(',').next().unwrap_or("");
        let Some((list, _)) = params.strip_prefix('(').and_then(|rest| rest.split_once(");")) else { return false };
        let Some(rest) = field("signature").strip_prefix("xlink=:") else { return false };
        let Some((signature, _)) = rest.split_once(':') else { return false };
        let tail = format!(r#";keyid="{}";alg="ed25519";nonce="{nonce}";tag="xlink-answer""#, self.service);
        let own_digest = digest_of(&answer.body);
        let is_whole = format!("{list} ").starts_with(&format!("{} ", FIXED.join(" ")));
        if !is_whole || !params.ends_with(&tail) || field("content-digest") != own_digest {
            return false;
        }
        let mut base = String::new();
        for name in list.split(' ') {
            let value = match name {
                r#""@status""# => answer.status.to_string(),
                r#""content-digest""# => own_digest.clone(),
                _ => components.get(name).cloned().unwrap_or_else(|| field(name.trim_matches('"')).into()),
            };
            base += &format!("{name}: {value}\n");
        }
        base += &format!("\"@signature-params\": {params}");
        let (Some(public), Some(bytes)) = (public_key_of(&self.service), from_base64(signature)) else { return false };
        UnparsedPublicKey::new(&ED25519, public).verify(base.as_bytes(), &bytes).is_ok()
    }
}

fn is_signed(name: &str, covers: &[String]) -> bool {
    CHANGES_MEANING.contains(&name)
        || (name.starts_with("if-") && name.len() > 3)
        || covers.iter().any(|each| each.eq_ignore_ascii_case(name))
}

/// Path and query, as they are sent.
fn target_of(url: &str) -> Result<(String, String), Error> {
    let (_, rest) = url.split_once("://").ok_or(Error::Invalid("no absolute URL"))?;
    let rest = rest.split('#').next().unwrap_or("");
    let target = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Ok((if path.is_empty() { "/".into() } else { path.into() }, format!("?{query}")))
}

fn read(response: ureq::Response) -> Result<Answer, Error> {
    let status = response.status();
    let headers = response
        .headers_names()
        .into_iter()
        .map(|name| (name.to_lowercase(), response.all(&name).join(", ")))
        .collect();
    let mut body = Vec::new();
    response.into_reader().take(MAX_ANSWER + 1).read_to_end(&mut body)?;
    if body.len() as u64 > MAX_ANSWER {
        return Err(Error::Invalid("the answer has more than 64 MiB"));
    }
    Ok(Answer { status, headers, body })
}

/// The code of a problem document, as far as it looks like one.
fn code_of(answer: &Answer) -> String {
    let is_problem = answer.headers.get("content-type").is_some_and(|kind| kind.starts_with("application/problem+json"));
    let text = std::str::from_utf8(&answer.body).unwrap_or("");
    if !is_problem || text.len() > 65_536 {
        return String::new();
    }
    let member = |name: &str| -> &str {
        let value = text.split_once(&format!("\"{name}\"")).map_or("", |(_, rest)| rest).trim_start();
        let value = value.strip_prefix(':').unwrap_or("").trim_start().strip_prefix('"').unwrap_or("");
        let value = value.split('"').next().unwrap_or("");
        let is_code = |one: char| one.is_ascii_uppercase() || one.is_ascii_digit() || one == '_';
        if value.len() <= 100 && value.chars().all(is_code) { value } else { "" }
    };
    let (code, sub) = (member("code"), member("subCode"));
    if sub.is_empty() { code.into() } else { format!("{code}:{sub}") }
}

fn public_key_of(did: &str) -> Option<[u8; 32]> {
    let mut number = [0u8; 34];
    for character in did.strip_prefix("did:key:z")?.bytes() {
        let mut carry = BASE58.iter().position(|one| *one == character)? as u32;
        for byte in number.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return None;
        }
    }
    number.strip_prefix(&[0xed, 1])?.try_into().ok()
}

fn digest_of(body: &[u8]) -> String {
    format!("sha-256=:{}:", to_base64(digest(&SHA256, body).as_ref()))
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Invalid("the system gives no random bytes"))?;
    Ok(bytes)
}

fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().chain(&[0, 0]).take(3).fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        for at in 0..4 {
            let digit = BASE64[(word >> (18 - 6 * at) & 63) as usize] as char;
            text.push(if at <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

/// `None` for anything but canonical base64.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for chunk in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut word = 0u32;
        for at in 0..4 {
            let digit = chunk.get(at).map_or(Some(0), |one| BASE64.iter().position(|each| each == one));
            word = word << 6 | digit? as u32;
        }
        bytes.extend_from_slice(&word.to_be_bytes()[1..chunk.len()]);
    }
    (to_base64(&bytes) == text).then_some(bytes)
}
