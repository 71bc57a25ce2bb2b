//! The names of operators.

/// Operators whose names hold an underscore.
pub(crate) const UNDERSCORE: &str = "from_utf8 local_part quote_local_part reverse_ip time_eval time_interval \
    utf8_domain_from_alabel utf8_domain_to_alabel utf8_localpart_from_alabel utf8_localpart_to_alabel";
/// The others; what follows an underscore is an argument.
const MAIN: &str = "address addresses base32 base32d base62 base62d base64 base64d bless domain escape escape8bit eval \
    eval10 expand h hash headerwrap hex2b64 hexquote ipv6denorm ipv6norm l lc length listcount listnamed mask md5 nh \
    nhash quote randint rfc2047 rfc2047d rxquote s sha1 sha2 sha256 sha3 stat str2b64 strlen substr uc utf8clean xtextd";

/// Whether Exim has an operator of this name.
pub(crate) fn is_known(name: &str) -> bool {
    let has = |list: &str, name: &str| list.split(' ').any(|known| known == name);
    has(UNDERSCORE, name) || has(MAIN, name.split('_').next().unwrap_or(name))
}
