import { completeConfiguration } from '@preflow/server'
import { DEVELOPMENT_ORIGINS } from './demo.ts'
import type { AskedService, RunningExtension } from './host-extensions.ts'
import { LOOPBACK_ADDRESS, loopbackAddress } from './loopback.ts'
import type { Demo, DemoUser } from './state.ts'

/** What the start-up text tells. */
export interface Running {
  server: string
  /** The address that the extensions share. */
  extensionsUrl: string
  extensions: readonly RunningExtension[]
  /** Where the web application answers, without a slash at the end. */
  webUrl: string
  services: readonly AskedService[]
  /** Names of extensions whose action or authenticator could not be made. */
  withoutAction: readonly string[]
  dataFolder: string
  environment: Record<string, string | undefined>
  demo: Demo
  /** Only on the first start: it is not kept anywhere in clear. */
  adminPassword?: string
}

/** The text a person reads when the lab is ready: where everything is, and requests to paste. */
export function instructions(running: Running): string {
  const { demo, extensions, services, adminPassword, withoutAction } = running
  const tenant = `${running.server}/t/${demo.tenant}`
  const isAsked = ({ action, authenticator, name }: RunningExtension) =>
    (action ?? authenticator) !== undefined && !withoutAction.includes(name)
  const places: [label: string, text: string][] = [
    ['identity server', tenant],
    ...extensions.map((extension): [string, string] => [
      extension.name,
      `${extension.url}${isAsked(extension) ? '' : ' (nothing asks it)'}`,
    ]),
    ...services.map(({ label, name, url, isStandIn, howToAsk }): [string, string] => [
      label,
      `${url} ${isStandIn ? `(a stand-in; ${howToAsk} to ask ${name})` : `(${name})`}`,
    ]),
    ...(adminPassword ? [['administrator', `admin / ${adminPassword}    (shown once)`] as [string, string]] : []),
    ...demo.users.map((user, index): [string, string] => [
      index === 0 ? 'users' : '',
      `${user.userName} / ${user.password}${pinOf(user)}`,
    ]),
    ['web application', `${running.webUrl}/`],
  ]
  const isUsualFolder = running.dataFolder === completeConfiguration({}).dataFolder
  const onTheData = `${isUsualFolder ? '' : `PREFLOW_DATA=${running.dataFolder} `}npm run -s preflow --`
  const width = Math.max(...places.map(([label]) => label.length))
  const [user] = demo.users
  const signIn =
    user === undefined
      ? ''
      : `\nIn a browser: open ${running.webUrl}/ and sign in as ${user.userName}, password ${user.password}${pinOf(user)}\n`
  const tries = extensions.filter(isAsked).flatMap(extension => extension.tries ?? [])
  return `
Preflow is ready. Ctrl-C ends it; the data stays in ${running.dataFolder}.

${places.map(([label, text]) => `  ${label.padEnd(width)}  ${text}\n`).join('')}${signIn}
${ownApplication(running)}${tries.map(({ shows, request }) => `${shows}\n\n  ${request(tenant, demo)}\n\n`).join('')}Why? Every call is kept, with each operation and its verdict; with an id, calls tells all about one:

  ${onTheData} calls

The newest that was refused, again, to the extension you are writing:

  ${onTheData} replay last --status failed --to http://127.0.0.1:8080/

`
}

/** What an SDK needs to be told. */
function ownApplication({ demo, environment, server }: Running): string {
  if (!demo.spa) return ''
  const { clientId } = demo.spa
  const tenant = `${server}/t/${demo.tenant}`
  const counts = loopbackAddress(environment)
  return `For a single-page application of your own, at one of ${DEVELOPMENT_ORIGINS.join(', ')}:

  issuer     ${tenant}/oauth2/token
  client id  ${clientId}
  <AsgardeoProvider baseUrl="${tenant}" clientId="${clientId}" afterSignInUrl={window.location.origin}>

${counts === undefined ? '' : `token-guard sees applications on this machine as ${counts}; ${LOOPBACK_ADDRESS} sets another address.\n\n`}`
}

function pinOf({ pin }: DemoUser): string {
  return pin === undefined ? '' : `, PIN ${pin}`
}
