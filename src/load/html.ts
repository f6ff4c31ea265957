/**
 * As much HTML reading as a server-rendered form needs: links, fields, entities. Not a parser; foreign pages can only make it find
 * nothing.
 */

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

export function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w{2,5}));/gi, (all, decimal, hex, name) => {
    if (name) return ENTITIES[name.toLowerCase()] ?? all;
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

/** Attributes of one start tag, names in lower case, values decoded. */
function attributes(tag: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const match of tag.matchAll(/([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g)) {
    const [, name = '', double, single, bare] = match;
    found.set(name.toLowerCase(), decodeEntities(double ?? single ?? bare ?? ''));
  }
  return found;
}

/** Every link's target, decoded, in the order of the page. */
export function links(html: string): string[] {
  return [...html.matchAll(/<a\s[^>]*>/gi)].flatMap(([tag]) => attributes(tag).get('href') ?? []);
}

export interface HtmlForm {
  readonly action: string;
  /** Field name -> the value it would be sent with. */
  readonly fields: ReadonlyMap<string, string>;
}

/** Every form that posts, with the fields that a browser would send. */
export function forms(html: string): HtmlForm[] {
  return [...html.matchAll(/<form\b[^>]*>([\s\S]*?)<\/form>/gi)].flatMap(([form, body = '']) => {
    const own = attributes(form.slice(0, form.indexOf('>') + 1));
    if (own.get('method')?.toLowerCase() !== 'post') return [];
    return { action: own.get('action') ?? '', fields: fieldsOf(body) };
  });
}

function fieldsOf(body: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [tag] of body.matchAll(/<input\b[^>]*>/gi)) {
    const input = attributes(tag);
    const name = input.get('name');
    const type = input.get('type')?.toLowerCase() ?? 'text';
    if (name && !['submit', 'button', 'image', 'reset', 'file', 'checkbox', 'radio'].includes(type)) {
      fields.set(name, input.get('value') ?? '');
    }
  }
  for (const [, tag = '', text = ''] of body.matchAll(/<textarea\b([^>]*)>([\s\S]*?)<\/textarea>/gi)) {
    const name = attributes(tag).get('name');
    if (name) fields.set(name, decodeEntities(text));
  }
  for (const [, tag = '', options = ''] of body.matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/gi)) {
    const name = attributes(tag).get('name');
    const values = [...options.matchAll(/<option\b[^>]*>/gi)].map(([option]) => ({
      value: attributes(option).get('value') ?? '',
      selected: /\sselected\b/i.test(option),
    }));
    const chosen = values.find(({ selected }) => selected) ?? values[0];
    if (name) fields.set(name, chosen?.value ?? '');
  }
  return fields;
}
