import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'
import type { DemoAddress } from './demo-addresses.ts'

/** The HTML of a page. */
export type Page = string

type Html = ReturnType<typeof html>

/** The claims of a token, by name. */
export type Claims = Record<string, unknown>

/** The style of the server's sign-in pages, with room for tables. */
const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --dim: #5a6677; --paper: #fff; --ground: #f2f4f7; --line: #c9d1dc; --lead: #1d5fbf; --alarm: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf2; --dim: #a3afc0; --paper: #1b222d; --ground: #11161e; --line: #3b4757; --lead: #8ab4f8; --alarm: #f2b8b5 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; min-width: 0; max-width: 26rem; padding: 2rem 1.5rem; background: var(--paper); border: 1px solid var(--line); border-radius: .75rem }
main.wide { max-width: 44rem }
h1 { margin: 0 0 .5rem; font-size: 1.375rem; line-height: 1.25; overflow-wrap: anywhere }
h2 { margin: 2rem 0 .5rem; font-size: 1.0625rem }
p { margin: 0 0 1.25rem; color: var(--dim); overflow-wrap: anywhere }
strong { color: var(--ink) }
fieldset { margin: 0 0 1.5rem; padding: 0; border: 0; min-width: 0 }
legend { margin: 0 0 .5rem; padding: 0; font-weight: 600 }
fieldset label { display: grid; grid-template-columns: auto 1fr; gap: 0 .75rem; padding: .75rem 0; border-top: 1px solid var(--line); cursor: pointer }
fieldset label:last-child { border-bottom: 1px solid var(--line) }
fieldset input { width: 1.25rem; height: 1.25rem; margin: .125rem 0 0; accent-color: var(--lead) }
fieldset span { grid-column: 2; color: var(--dim); font-size: .875rem }
button, .button { display: block; width: 100%; min-height: 2.75rem; padding: .5625rem 1rem; font: inherit; font-weight: 600; text-align: center; text-decoration: none; border-radius: .5rem; border: 1px solid var(--lead); background: var(--lead); color: var(--paper); cursor: pointer }
.button + .button { margin-top: .75rem; background: transparent; color: var(--lead) }
a { color: var(--lead) }
a:focus-visible, input:focus-visible, button:focus-visible { outline: 3px solid var(--lead); outline-offset: 2px }
dl { margin: 0 0 1.5rem; border-bottom: 1px solid var(--line); font-size: .9375rem }
dl div { display: grid; grid-template-columns: 9rem 1fr; gap: 0 1rem; padding: .5rem 0; border-top: 1px solid var(--line) }
dt { font-weight: 600; overflow-wrap: anywhere }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere }
dd small { display: block; color: var(--dim) }
pre { margin: 0 0 1.5rem; padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: .5rem; font-size: .875rem }
h1 + [role=alert] { margin-top: 1rem }
[role=alert] { padding: .75rem; color: var(--alarm); border: 1px solid currentColor; border-radius: .5rem }
@media (max-width: 32rem) { dl div { grid-template-columns: 1fr } }
`

/** No script, no other origin, no frame. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

/** The first page: a choice of addresses, and the button. */
export function startPage(view: { application: string; addresses: readonly DemoAddress[] }): Page {
  return page({
    title: view.application,
    content: html`<p>An application that signs users in with Preflow and shows the claims that it gets.</p>
<form action="/sign-in">
<fieldset>
<legend>Request the token from</legend>
${view.addresses.map(
  ({ address, is, gets }, index) =>
    html`<label><input type="radio" name="from" value="${address}"${index === 0 ? ' checked' : ''}>${is}<span>${address}. ${gets}</span></label>
`,
)}</fieldset>
<button>Sign in</button>
</form>`,
  })
}

/**
 * Takes the browser to the server without a redirect. `form-action` would apply to a redirect and to every hop after
 * it, and authenticators may send the browser anywhere.
 */
export function forwardPage(url: string): Page {
  return page({
    title: 'One moment',
    content: html`<p>The sign-in page opens.</p>
<a class="button" href="${url}">Continue</a>`,
    head: html`<meta http-equiv="refresh" content="0;url=${url}">
`,
  })
}

/** The page with the claims of the user. */
export function signedInPage(view: {
  user: string
  address: string
  idToken: Claims
  /** Absent for an opaque token, which cannot be read. */
  accessToken: Claims | undefined
  scope: string
  /** Seconds. */
  lifetimeSeconds: number | undefined
  signOutUrl: string
}): Page {
  const { accessToken, lifetimeSeconds = 0 } = view
  return page({
    title: `Signed in as ${view.user}`,
    isWide: true,
    content: html`<p>Requested from ${view.address}. The access token is valid for <strong>${duration(lifetimeSeconds)}</strong> and has ${view.scope === '' ? 'no scopes' : html`the scopes <strong>${view.scope}</strong>`}.</p>
${claimsTable('Claims of the ID token', view.idToken)}
${accessToken ? claimsTable('Claims of the access token', accessToken) : html`<h2>The access token</h2><p>It is opaque. Only the server can read it.</p>`}
${links(view.signOutUrl)}`,
  })
}

/** The page for a refused sign-in. */
export function refusedPage(view: {
  error: string
  description: string | undefined
  /** The id of the refusing call, if the server reports one. */
  callId: string | undefined
  /** The address of the call records. */
  callsUrl: string
  signOutUrl?: string
}): Page {
  const { callId, description, error } = view
  return page({
    title: 'No token was issued',
    isWide: true,
    content: html`<p role="alert">${description ?? error}</p>
${pairs([{ name: 'Error', value: error }, ...(callId === undefined ? [] : [{ name: 'Call id', value: callId }])])}
<p>Every call of an extension is recorded, with each operation and its verdict. This command shows ${callId === undefined ? 'the newest calls' : 'this call'}. Replace PASSWORD with the administrator's password:</p>
<pre>curl -s ${view.callsUrl}${callId === undefined ? '' : `/${callId}`} -u admin:PASSWORD</pre>
${links(view.signOutUrl)}`,
  })
}

/** A page with a notice and a link to the start. */
export function noticePage(view: { title: string; text: string }): Page {
  return page({ title: view.title, content: html`<p role="alert">${view.text}</p>${links()}` })
}

function links(signOutUrl?: string): Html {
  return html`<a class="button" href="/">Sign in again</a>
${signOutUrl === undefined ? '' : html`<a class="button" href="${signOutUrl}">Sign out</a>`}`
}

/** Claims whose number is a time. */
const TIMES: ReadonlySet<string> = new Set(['exp', 'iat', 'nbf', 'auth_time', 'updated_at'])

function claimsTable(title: string, claims: Claims): Html {
  const told = Object.entries(claims).map(([name, value]) => ({
    name,
    value: typeof value === 'string' ? value : JSON.stringify(value),
    ...(TIMES.has(name) && typeof value === 'number' && { time: new Date(value * 1000) }),
  }))
  return html`<h2>${title}</h2>
${pairs(told)}`
}

function pairs(all: readonly { name: string; value: string; time?: Date }[]): Html {
  const readable = (time: Date) => time.toISOString().replace('T', ' ').replace('.000Z', ' UTC')
  return html`<dl>
${all.map(
  ({ name, value, time }) =>
    html`<div><dt>${name}</dt><dd>${value}${time ? html`<small>${readable(time)}</small>` : ''}</dd></div>
`,
)}</dl>`
}

function duration(seconds: number): string {
  const [amount, unit] = seconds % 60 === 0 && seconds > 0 ? [seconds / 60, 'minute'] : [seconds, 'second']
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`
}

function page(view: { title: string; content: Html; head?: Html; isWide?: boolean }): Page {
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${view.title}</title>
${view.head ?? ''}<style>${raw(STYLE)}</style>
</head>
<body><main${view.isWide ? html` class="wide"` : ''}>
<h1>${view.title}</h1>
${view.content}
</main></body>
</html>
`)
}
