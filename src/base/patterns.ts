/** Text that a regular expression, of JavaScript or RE2, matches literally. */
export function literalPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
