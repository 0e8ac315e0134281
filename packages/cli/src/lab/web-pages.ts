import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'
import type { DemoAddress } from './demo-addresses.ts'

/** A page as it goes to the browser. */
export type Page = string

type Html = ReturnType<typeof html>

/** What a token says, by the names of the claims. */
export type Claims = Record<string, unknown>

/** As the sign-in pages of the server look, with room for tables. */
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

/** No script, no other origin, in no frame. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

/** The first page: from where to ask, and the button. */
export function startPage(view: { application: string; addresses: readonly DemoAddress[] }): Page {
  return page({
    title: view.application,
    content: html`<p>An application that lets Preflow sign people in, and shows what it learns of them.</p>
<form action="/sign-in">
<fieldset>
<legend>Ask for the token from</legend>
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
 * Takes the browser to the server by itself. A redirect would be held to `form-action`, as would every hop after it, and nobody
 * knows yet where authenticators will send this browser.
 */
export function forwardPage(url: string): Page {
  return page({
    title: 'One moment',
    content: html`<p>You go on to the sign-in.</p>
<a class="button" href="${url}">Continue</a>`,
    head: html`<meta http-equiv="refresh" content="0;url=${url}">
`,
  })
}

/** What the application was told of somebody. */
export function signedInPage(view: {
  user: string
  address: string
  idToken: Claims
  /** Absent: the token cannot be read, which is what opaque ones are for. */
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
    content: html`<p>The access token that ${view.address} asked for is good for <strong>${duration(lifetimeSeconds)}</strong>, and for <strong>${view.scope === '' ? 'no scope' : view.scope}</strong>.</p>
${claimsTable('The ID token says', view.idToken)}
${accessToken ? claimsTable('The access token says', accessToken) : html`<h2>The access token</h2><p>It is opaque: only the server can read it.</p>`}
${links(view.signOutUrl)}`,
  })
}

/** Why nobody is signed in. */
export function refusedPage(view: {
  error: string
  description: string | undefined
  /** The record of the call that refused, when the server names one. */
  callId: string | undefined
  /** Where the records are. */
  callsUrl: string
  signOutUrl?: string
}): Page {
  const { callId, description, error } = view
  return page({
    title: 'No token was issued',
    isWide: true,
    content: html`<p role="alert">${description ?? error}</p>
${pairs([{ name: 'Error', value: error }, ...(callId === undefined ? [] : [{ name: 'Call id', value: callId }])])}
<p>Why? Every call of an extension is kept, with each operation and its verdict. ${callId === undefined ? 'The newest are shown' : 'This one is shown'} to the administrator, whose password takes the place of PASSWORD:</p>
<pre>curl -s ${view.callsUrl}${callId === undefined ? '' : `/${callId}`} -u admin:PASSWORD</pre>
${links(view.signOutUrl)}`,
  })
}

/** Says something, and leads back to the start. */
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
