import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'

type Html = ReturnType<typeof html>

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --dim: #5a6677; --paper: #fff; --ground: #f2f4f7; --line: #c9d1dc; --field: #77838f; --lead: #1d5fbf; --alarm: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf2; --dim: #a3afc0; --paper: #1b222d; --ground: #11161e; --line: #3b4757; --field: #8d99a8; --lead: #8ab4f8; --alarm: #f2b8b5 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 24rem; padding: 2rem 1.5rem; background: var(--paper); border: 1px solid var(--line); border-radius: .75rem }
h1 { margin: 0 0 .5rem; font-size: 1.375rem; line-height: 1.25 }
p { margin: 0 0 1.25rem; color: var(--dim); overflow-wrap: anywhere }
p strong { color: var(--ink) }
ul { margin: 0 0 1.5rem; padding-left: 1.25rem }
label { display: block; margin: 0 0 .25rem; font-weight: 600 }
input { width: 100%; min-height: 2.75rem; margin: 0 0 1.25rem; padding: .5rem .75rem; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--field); border-radius: .5rem }
input[aria-invalid] { border-color: var(--alarm) }
input.code { text-align: center; text-transform: uppercase; letter-spacing: .15em; font-size: 1.25rem }
button { width: 100%; min-height: 2.75rem; font: inherit; font-weight: 600; border-radius: .5rem; border: 1px solid var(--lead); background: var(--lead); color: var(--paper); cursor: pointer }
button + button { margin-top: .75rem; background: transparent; color: var(--lead) }
a { color: var(--lead) }
a:focus-visible, input:focus-visible, button:focus-visible { outline: 3px solid var(--lead); outline-offset: 2px }
[role=alert] { padding: .75rem; color: var(--alarm); border: 1px solid currentColor; border-radius: .5rem }
code { font-size: 1.5rem; letter-spacing: .15em; color: var(--ink) }
`
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/** The options for the headers of pages. */
export interface PageOptions {
  /** Other targets than this server that a form of the page may have. */
  formTargets?: readonly string[]
  /**
   * Whether the window that opened this page keeps its reference to it. Applications may sign users in in a separate window and
   * wait for it to return.
   */
  keepsOpener?: boolean
}

/** The headers of every page. */
export function pageHeaders({ formTargets, keepsOpener = false }: PageOptions = {}): Record<string, string> {
  return {
    'content-security-policy': pagePolicy(formTargets),
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    ...(keepsOpener ? {} : { 'cross-origin-opener-policy': 'same-origin' }),
  }
}

/**
 * The Content Security Policy of our pages: no script, no other origin, in no frame.
 *
 * @param formTargets Other origins or schemes than our own to which a form may lead. Browsers also apply `form-action` to the
 *   redirects after a submission, and the last one goes to the client.
 */
function pagePolicy(formTargets: readonly string[] = []): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${STYLE_HASH}'`,
    `form-action ${["'self'", ...formTargets].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}

/** The form target for a redirect to this address: its origin, or the scheme of a native application. */
export function formTargetOf(redirectUri: unknown): string[] {
  const url = typeof redirectUri === 'string' ? URL.parse(redirectUri) : null
  if (!url) return []
  return [url.origin === 'null' ? url.protocol : url.origin]
}

/** @param complaint The error in the form. Screen readers announce it with the title and its field. */
function page(
  title: string,
  content: Html,
  { complaint, head }: { complaint?: string | undefined; head?: Html } = {},
): string {
  // A promise in the template would make the page a promise. There is none.
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${complaint === undefined ? '' : 'Error: '}${title}</title>
${head}<style>${raw(STYLE)}</style>
</head>
<body><main>
<h1>${title}</h1>
${content}
</main></body>
</html>
`)
}

const COMPLAINT = 'complaint'

const alert = (message: string | undefined): Html | undefined =>
  message === undefined ? undefined : html`<p id="${COMPLAINT}" role="alert">${message}</p>`

/** The attributes of the field with the error. */
const invalid = (complaint: string | undefined): Html | undefined =>
  complaint === undefined ? undefined : html` aria-invalid="true" aria-describedby="${COMPLAINT}"`

/** The page for user name and password. */
export function signInPage(view: {
  application: string
  csrf: string
  userName?: string
  complaint?: string
  /** Whether the step has other options. */
  hasOthers?: boolean
}): string {
  return page(
    'Sign in',
    html`<p>to continue to <strong>${view.application}</strong></p>
${alert(view.complaint)}
<form method="post">
<input type="hidden" name="csrf" value="${view.csrf}">
<label for="username">User name</label>
<input id="username" name="username" value="${view.userName ?? ''}" autocomplete="username" autocapitalize="none" spellcheck="false" required${view.userName ? '' : ' autofocus'}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${view.userName ? ' autofocus' : ''}${invalid(view.complaint)}>
<button name="step" value="sign-in">Sign in</button>
${view.hasOthers ? html`<button name="step" value="other" formnovalidate>Sign in another way</button>` : undefined}
<button name="step" value="cancel" formnovalidate>Cancel</button>
</form>`,
    view,
  )
}

/** The page for choosing an option of a step. */
export function choicePage(view: {
  application: string
  csrf: string
  choices: readonly { name: string; title: string }[]
}): string {
  return page(
    'How do you want to sign in?',
    html`<p>to continue to <strong>${view.application}</strong></p>
<form method="post">
<input type="hidden" name="csrf" value="${view.csrf}">
${view.choices.map(({ name, title }) => html`<button name="authenticator" value="${name}">${title}</button>`)}
<button name="step" value="cancel">Cancel</button>
</form>`,
  )
}

/**
 * The page that takes the browser to the next step. The link is for browsers that do not follow.
 *
 * @param view.afterSeconds Default 0.
 */
export function goOnPage(view: { application: string; url: string; afterSeconds?: number }): string {
  return page(
    'One moment',
    html`<p>You go on to <strong>${view.application}</strong>.</p>
<p><a href="${view.url}">Continue</a></p>`,
    {
      head: html`<meta http-equiv="refresh" content="${view.afterSeconds ?? 0};url=${view.url}">
`,
    },
  )
}

/** The consent page. */
export function consentPage(view: {
  application: string
  userName: string
  csrf: string
  /** Phrases that continue “It wants to”. */
  wishes: readonly string[]
}): string {
  return page(
    'Allow access?',
    html`<p><strong>${view.application}</strong> requests access as <strong>${view.userName}</strong>. It wants to:</p>
<ul>${view.wishes.map(wish => html`<li>${wish}</li>`)}</ul>
<form method="post">
<input type="hidden" name="csrf" value="${view.csrf}">
<button name="step" value="allow">Allow</button>
<button name="step" value="cancel">Deny</button>
</form>`,
  )
}

/** The page where an invited user sets a password. */
export function newPasswordPage(view: { userName: string; invitation: string; complaint?: string }): string {
  return page(
    'Choose a password',
    html`<p>for the account <strong>${view.userName}</strong></p>
${alert(view.complaint)}
<form method="post">
<input type="hidden" name="invitation" value="${view.invitation}">
<input type="hidden" name="username" value="${view.userName}" autocomplete="username">
<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required autofocus${invalid(view.complaint)}>
<label for="again">The same again</label>
<input id="again" name="again" type="password" autocomplete="new-password" required>
<button>Set the password</button>
</form>`,
    view,
  )
}

/** The page for the code of another device. */
export function deviceCodePage(view: { action: string; csrf: string; code?: string; complaint?: string }): string {
  return page(
    'Connect a device',
    html`<p>Enter the code that your device shows.</p>
${alert(view.complaint)}
<form method="post" action="${view.action}">
<input type="hidden" name="xsrf" value="${view.csrf}">
<label for="user_code">Code</label>
<input class="code" id="user_code" name="user_code" value="${view.code ?? ''}" autocomplete="off" autocapitalize="characters" spellcheck="false" required autofocus${invalid(view.complaint)}>
<button>Continue</button>
</form>`,
    view,
  )
}

/** Shows the code again, so that the user does not connect an attacker's device. */
export function deviceConfirmPage(view: { action: string; csrf: string; code: string; application: string }): string {
  return page(
    'Is this your device?',
    html`<p><strong>${view.application}</strong> should show this code:</p>
<p><code>${view.code}</code></p>
<p>Continue only if you started this yourself and the codes are the same.</p>
<form method="post" action="${view.action}">
<input type="hidden" name="xsrf" value="${view.csrf}">
<input type="hidden" name="user_code" value="${view.code}">
<button name="confirm" value="yes">Continue</button>
<button name="abort" value="yes">Cancel</button>
</form>`,
  )
}

/** The page that confirms a sign-out of the server. */
export function logoutPage(view: { action: string; csrf: string }): string {
  return page(
    'Sign out?',
    html`<p>The next application will require you to sign in again.</p>
<form method="post" action="${view.action}">
<input type="hidden" name="xsrf" value="${view.csrf}">
<button name="logout" value="yes" autofocus>Sign out</button>
<button>Stay signed in</button>
</form>`,
  )
}

/** The page after something is done. The window can be closed. */
export function donePage(title: string, sentence: string): string {
  return page(title, html`<p>${sentence}</p>`)
}

/** The page at the address of the server itself. */
export function startPage(view: { links: readonly { title: string; path: string }[] }): string {
  return page(
    'Preflow',
    html`<p>This is an identity server. Applications send their users here to sign in.</p>
<ul>${view.links.map(({ path, title }) => html`<li><a href="${path}">${title}</a></li>`)}</ul>`,
  )
}

/** The page for an error that cannot be returned to the application. */
export function errorPage(error: string, description?: string): string {
  return page(
    'The request failed',
    html`<p role="alert">${description ?? 'The request could not be answered.'}</p>
<p>Go back to the application and try again. Error code for its developers: <strong>${error}</strong></p>`,
  )
}
