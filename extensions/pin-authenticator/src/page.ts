import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'
import { MAX_PIN_LENGTH } from './pin-policy.ts'
import type { Texts } from './texts.ts'

/** A page for the browser. */
export type Page = string

/** The form for a PIN. */
export interface EntryForm {
  action: string
  application: string
  /** Present if the user must enter a user name, with what was typed before. */
  username?: { typed: string }
  /** Sent back with the form. */
  attempt: number
  token: string
  /** The error of the last attempt, and its field. */
  error?: { text: string; field: 'username' | 'pin' }
}

/** A page that only shows a message. */
export interface Notice {
  title: string
  text: string
  link?: { url: string; text: string }
  /** Opens the link without a click after this many seconds. */
  forwardSeconds?: number
}

/** The form that confirms a sign-in. */
export interface ConfirmForm {
  action: string
  application: string
  token: string
  /** What is known of the start, and of this browser: label and value. */
  facts: readonly (readonly [label: string, value: string])[]
}

/** What the pages of one deployment have in common. */
export interface PageStyle {
  texts: Texts
  /** BCP 47. */
  language: string
}

/**
 * Colours have a contrast of at least 4.5 to 1, in both schemes. The field has 16 px, because phones zoom in on smaller
 * ones.
 */
const STYLE = `
:root { color-scheme: light dark;
  --ground: light-dark(#eef1f5, #11151b); --card: light-dark(#fff, #1a2029); --edge: light-dark(#d5dbe3, #2d3643);
  --ink: light-dark(#17202b, #e9edf2); --quiet: light-dark(#525e6c, #a3afbd); --field: light-dark(#77838f, #7d8998);
  --accent: light-dark(#1c54b2, #8db4f5); --on-accent: light-dark(#fff, #0c1a33);
  --bad: light-dark(#a81d24, #ffa9a3); --bad-ground: light-dark(#fdeeee, #351a1c) }
* { box-sizing: border-box }
body { margin: 0; min-height: 100svh; display: grid; place-items: center; padding: 1rem;
  background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 24rem; padding: 2rem 1.5rem; background: var(--card);
  border: 1px solid var(--edge); border-radius: .875rem; box-shadow: 0 1px 2px #0000000d, 0 8px 24px #0000000f }
h1, p { text-wrap: pretty }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -.01em }
h1 + p { margin: .375rem 0 0; color: var(--quiet); overflow-wrap: anywhere }
form { margin-top: 1.75rem }
dl { margin: 1.25rem 0 0; overflow-wrap: anywhere }
dt { font-weight: 600 }
dd { margin: 0 0 .75rem }
label { display: block; font-weight: 600; margin-bottom: .375rem }
input:not([type=hidden]) { width: 100%; min-height: 3rem; padding: .5rem .75rem; font: inherit; color: inherit;
  background: transparent; border: 1px solid var(--field); border-radius: .5rem }
input[name=username] { margin-bottom: 1.125rem }
input[name=pin] { font-size: 1.375rem; letter-spacing: .35em }
input[aria-invalid=true] { border-color: var(--bad); box-shadow: inset 0 0 0 1px var(--bad) }
.hint { margin: .375rem 0 0; font-size: .875rem; color: var(--quiet) }
.error { margin: 1.25rem 0 -.5rem; padding: .625rem .75rem; border-radius: .125rem .5rem .5rem .125rem; color: var(--bad);
  background: var(--bad-ground); border-inline-start: .25rem solid var(--bad) }
button, .button { display: block; width: 100%; min-height: 3rem; padding: .6875rem 1rem; font: inherit; font-weight: 600;
  text-align: center; text-decoration: none; border-radius: .5rem; cursor: pointer; color: var(--on-accent);
  background: var(--accent); border: 1px solid transparent }
button, .button { margin-top: 1.5rem }
button.quiet { margin: .5rem 0 -.75rem; color: var(--accent); background: transparent }
:hover:is(button, .button) { filter: brightness(1.08) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
@media (forced-colors: active) { button, .button, main { border-color: ButtonText } }
`

/**
 * Allows only our own style, no script, no frame, and forms to this site. A form must not answer with a redirect to the
 * platform, because browsers apply `form-action` to every hop and the last one is unknown. So results are pages that
 * forward.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

/** Shows the form for the PIN, and for the user name if it is unknown. Works without JavaScript. */
export function renderForm(form: EntryForm, { texts, language }: PageStyle): Page {
  const { error, username } = form
  const wrong = (field: 'username' | 'pin') => error?.field === field
  const describedBy = (field: 'username' | 'pin', ...others: string[]) => {
    const ids = [...(wrong(field) ? ['error'] : []), ...others]
    return ids.length === 0 ? '' : html` aria-describedby="${ids.join(' ')}"`
  }
  const state = (field: 'username' | 'pin') => (wrong(field) ? html` aria-invalid="true"` : '')
  // The cursor is where the user has something to do. This also makes screen readers read the error.
  const focus = (here: boolean) => (here ? html` autofocus` : '')
  const isNameFirst = username !== undefined && (username.typed === '' || wrong('username'))
  const body = html`<h1>${texts.enterTitle}</h1>
<p>${fill(texts.enterIntroduction, { application: form.application })}</p>
${error ? html`<p class="error" id="error" role="alert">${error.text}</p>` : ''}
<form method="post" action="${form.action}">
${
  username
    ? html`<label for="username">${texts.usernameLabel}</label>
<input id="username" name="username" value="${username.typed}" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="256" required${state('username')}${describedBy('username')}${focus(isNameFirst)}>`
    : ''
}
<label for="pin">${texts.pinLabel}</label>
<input id="pin" name="pin" type="password" inputmode="numeric" pattern="[0-9]*" autocomplete="current-password" maxlength="${MAX_PIN_LENGTH}" required${state('pin')}${describedBy('pin', 'hint')}${focus(!isNameFirst)}>
<p class="hint" id="hint">${texts.pinHint}</p>
<input type="hidden" name="attempt" value="${form.attempt}">
<input type="hidden" name="token" value="${form.token}">
<button>${texts.submit}</button>
<button class="quiet" name="cancel" value="yes" formnovalidate>${texts.cancel}</button>
</form>`
  const title = error ? `${texts.errorPrefix}: ${texts.enterTitle}` : texts.enterTitle
  return render({ title, language, head: '', body })
}

/** Shows where the sign-in started, and asks whether it was the user. */
export function renderConfirm(
  { action, application, facts, token }: ConfirmForm,
  { texts, language }: PageStyle,
): Page {
  const body = html`<h1>${texts.confirmTitle}</h1>
<p>${fill(texts.confirmText, { application })}</p>
<dl>
${facts.map(([label, value]) => html`<dt>${label}</dt><dd>${value}</dd>`)}
</dl>
<form method="post" action="${action}">
<input type="hidden" name="token" value="${token}">
<button>${texts.confirm}</button>
<button class="quiet" name="cancel" value="yes">${texts.cancel}</button>
</form>`
  return render({ title: texts.confirmTitle, language, head: '', body })
}

/** Shows a message and a link. */
export function renderNotice({ title, text, link, forwardSeconds }: Notice, { language }: PageStyle): Page {
  const forwards = link && forwardSeconds !== undefined
  const body = html`<h1>${title}</h1>
<p${forwards ? html` role="status"` : ''}>${text}</p>
${link ? html`<a class="button" href="${link.url}">${link.text}</a>` : ''}`
  const head = forwards ? html`<meta http-equiv="refresh" content="${forwardSeconds};url=${link.url}">` : ''
  return render({ title, language, head, body })
}

/** Inserts values into a message. The page escapes them. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replaceAll(/\{(\w+)\}/g, (hole, name: string) => String(values[name] ?? hole))
}

type Html = ReturnType<typeof html>

function render(page: { title: string; language: string; head: Html | ''; body: Html }): Page {
  return String(html`<!doctype html>
<html lang="${page.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
${page.head}
<title>${page.title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
${page.body}
</main>
</body>
</html>
`)
}
