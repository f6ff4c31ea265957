/** Keeps the cookies of one client by host, as a browser that never looks at paths or ages: enough for a session that sticks. */
export class CookieJar {
  private readonly hosts = new Map<string, Map<string, string>>();

  /** @param headers name and value in turns. */
  keep(host: string, headers: readonly string[]): void {
    for (let i = 0; i + 1 < headers.length; i += 2) {
      if (headers[i]?.toLowerCase() !== 'set-cookie') continue;
      const [, name, value] = /^\s*([^=;\s]+)=([^;]*)/.exec(headers[i + 1] ?? '') ?? [];
      if (name === undefined || value === undefined) continue;
      const cookies = this.hosts.get(host) ?? new Map<string, string>();
      cookies.set(name, value.trim());
      this.hosts.set(host, cookies);
    }
  }

  /** The header `cookie` for a host; undefined without any. */
  header(host: string): string | undefined {
    const cookies = this.hosts.get(host);
    return cookies && [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}
