/** Where browsers return to. `*` is for every tenant without its own entry. Without it other tenants are rejected. */
export type PlatformUrls = ReadonlyMap<string, URL>

/** The parts of a flow that its return URL contains. */
export interface Origin {
  tenant: string
  /** Id of the organization, if it is not the tenant's root. */
  organization?: string
  flowId: string
}

// Each begins with a letter or digit, so none can be `.` or `..` and escape its place in the path.
const TENANT = /^[A-Za-z0-9][\w.-]{0,254}$/
const ORGANIZATION = /^[A-Za-z0-9][\w-]{0,127}$/
const FLOW_ID = /^[A-Za-z0-9][\w-]{7,127}$/

/**
 * Reads the allow list from its setting: `https://id.example.com` serves all tenants,
 * `heron.example=https://login.heron.example` one of them.
 *
 * @returns The list, or a sentence that states which entry to fix.
 */
export function readPlatformUrls(entries: readonly string[]): PlatformUrls | string {
  const urls = new Map<string, URL>()
  for (const [at, entry] of entries.entries()) {
    const [, tenant = '*', text = ''] = /^(?:([\w.-]+)=)?(.*)$/s.exec(entry) ?? []
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (!url || !isSecure(url)) return `entry ${at + 1} must be an https URL, for example https://id.example.com`
    if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
      return `entry ${at + 1} must have no query, fragment or credentials`
    }
    if (urls.has(tenant)) return `entry ${at + 1} names a tenant more than once`
    urls.set(tenant, url)
  }
  return urls
}

/** `https`, or `http` to this machine, which browsers treat as secure too. */
export function isSecure(url: URL): boolean {
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
}

/**
 * The URL at which the platform continues a flow, `/t/{tenant}/commonauth` or `/o/{organization}/commonauth`.
 *
 * It consists of a configured base and strings of a narrow alphabet, so it cannot point anywhere else.
 *
 * @returns The URL, or what is wrong with the request.
 */
export function returnUrl(
  platformUrls: PlatformUrls,
  { tenant, organization, flowId }: Origin,
): { ok: true; url: string } | { ok: false; problem: string } {
  if (!FLOW_ID.test(flowId)) return { ok: false, problem: 'flowId: must be 8 to 128 letters or digits or _ or -' }
  if (!TENANT.test(tenant)) return { ok: false, problem: 'event.tenant.name: must be a tenant domain' }
  if (organization !== undefined && !ORGANIZATION.test(organization)) {
    return { ok: false, problem: 'event.organization.id: must be letters or digits or _ or -' }
  }
  const base = platformUrls.get(tenant) ?? platformUrls.get('*')
  if (!base)
    return { ok: false, problem: 'event.tenant.name: not among the platformUrls of this extension; add it there' }
  const place = organization === undefined ? `t/${tenant}` : `o/${organization}`
  const url = new URL(base)
  url.pathname = `${base.pathname.replace(/\/$/, '')}/${place}/commonauth`
  url.searchParams.set('flowId', flowId)
  return { ok: true, url: url.href }
}
