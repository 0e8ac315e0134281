import { completeConfiguration } from '@preflow/server'
import { DEVELOPMENT_ORIGINS } from './demo.ts'
import type { RunningExtension, UsedService } from './host-extensions.ts'
import { LOOPBACK_ADDRESS, loopbackAddress } from './loopback.ts'
import type { Demo, DemoUser } from './state.ts'

/** What the start-up message shows. */
export interface Running {
  server: string
  /** The common address of the extensions. */
  extensionsUrl: string
  extensions: readonly RunningExtension[]
  /** The address of the web application, without a trailing slash. */
  webUrl: string
  services: readonly UsedService[]
  /** Extensions whose action or authenticator could not be created. */
  withoutAction: readonly string[]
  dataFolder: string
  environment: Record<string, string | undefined>
  demo: Demo
  /** Only on the first start. It is not stored in clear. */
  adminPassword?: string
}

/** The start-up message: every address, and requests to paste. */
export function instructions(running: Running): string {
  const { demo, extensions, services, adminPassword, withoutAction } = running
  const tenant = `${running.server}/t/${demo.tenant}`
  const isCalled = ({ action, authenticator, name }: RunningExtension) =>
    (action ?? authenticator) !== undefined && !withoutAction.includes(name)
  const places: [label: string, text: string][] = [
    ['identity server', tenant],
    ...extensions.map((extension): [string, string] => [
      extension.name,
      `${extension.url}${isCalled(extension) ? '' : ' (no action calls it)'}`,
    ]),
    ...services.map(({ label, name, url, isStandIn, howToUse }): [string, string] => [
      label,
      `${url} ${isStandIn ? `(a stand-in; ${howToUse} to use ${name})` : `(${name})`}`,
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
  const tries = extensions.filter(isCalled).flatMap(extension => extension.tries ?? [])
  return `
Preflow is ready. Ctrl-C stops it. Its data stays in ${running.dataFolder}.

${places.map(([label, text]) => `  ${label.padEnd(width)}  ${text}\n`).join('')}${signIn}
${ownApplication(running)}${tries.map(({ shows, request }) => `${shows}\n\n  ${request(tenant, demo)}\n\n`).join('')}Every call is recorded, with each operation and its verdict. With an id, calls shows everything about one call:

  ${onTheData} calls

Send the newest refused call again, to the extension that you are writing:

  ${onTheData} replay last --status failed --to http://127.0.0.1:8080/

`
}

/** The values that an SDK needs. */
function ownApplication({ demo, environment, server }: Running): string {
  if (!demo.spa) return ''
  const { clientId } = demo.spa
  const tenant = `${server}/t/${demo.tenant}`
  const counts = loopbackAddress(environment)
  return `For your own single-page application, at one of ${DEVELOPMENT_ORIGINS.join(', ')}:

  issuer     ${tenant}/oauth2/token
  client id  ${clientId}
  <AsgardeoProvider baseUrl="${tenant}" clientId="${clientId}" afterSignInUrl={window.location.origin}>

${counts === undefined ? '' : `token-guard sees applications on this machine as ${counts}. ${LOOPBACK_ADDRESS} sets another address.\n\n`}`
}

function pinOf({ pin }: DemoUser): string {
  return pin === undefined ? '' : `, PIN ${pin}`
}
