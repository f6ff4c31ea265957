/** Octets by name, where a number alone would not tell. */
export const HTAB = 9;
export const LF = 10;
export const CR = 13;
export const SP = 32;
export const COMMA = 44;
export const COLON = 58;
export const SEMICOLON = 59;

const table = (holds: (octet: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, octet) => (holds(octet) ? 1 : 0));

/** 1 for the octets of a token: field names, transfer codings (RFC 9110, 5.6.2). */
export const TOKEN = table((octet) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(octet)));

/** 1 for the octets of a field value, reason phrase or chunk extension: no control characters but the tab (RFC 9110, 5.5). */
export const TEXT = table((octet) => octet === HTAB || (octet >= SP && octet !== 127));

/** The value of a hexadecimal digit, 255 for any other octet. */
export const HEX = Uint8Array.from({ length: 256 }, (_, octet) => {
  const text = String.fromCharCode(octet);
  return /[0-9A-Fa-f]/.test(text) ? Number.parseInt(text, 16) : 255;
});

/** ASCII upper case to lower case, every other octet to itself. */
export const LOWER = Uint8Array.from({ length: 256 }, (_, octet) => (octet >= 65 && octet <= 90 ? octet + 32 : octet));
