import type { AskedService, RunningExtension } from './host-extensions.ts'
import type { Demo } from './state.ts'

/** What the start-up text tells. */
export interface Running {
  server: string
  /** The address that the extensions share. */
  extensionsUrl: string
  extensions: readonly RunningExtension[]
  services: readonly AskedService[]
  dataFolder: string
  demo: Demo
  /** Only on the first start: it is not kept anywhere in clear. */
  adminPassword?: string
}

/** The text a person reads when the lab is ready: where everything is, and three requests to paste. */
export function instructions(running: Running): string {
  const { server, demo } = running
  const request = (address: string) =>
    `curl -s ${server}/t/${demo.tenant}/oauth2/token -u ${demo.m2m.clientId}:${demo.m2m.clientSecret} \\\n` +
    `    -d grant_type=client_credentials -H 'x-client-source-ip: ${address}'`
  const [mira] = demo.users
  const places = [
    ['identity server', `${server}/t/${demo.tenant}`],
    ...running.extensions.map(({ name, url }) => [name, url] as const),
    ...running.services.map(
      ({ label, name, url, isStandIn, howToAsk }) =>
        [label, `${url} ${isStandIn ? `(a stand-in; ${howToAsk} to ask ${name})` : `(${name})`}`] as const,
    ),
    ...(running.adminPassword ? [['administrator', `admin / ${running.adminPassword}    (shown once)`] as const] : []),
    ['a user', `${mira?.userName} / ${mira?.password}`],
    ['web application', `${demo.web.clientId}, calls back to ${demo.web.callbackUrl}`],
  ] as const
  const width = Math.max(...places.map(([label]) => label.length))
  return `
Preflow is ready. Ctrl-C ends it; the data stays in ${running.dataFolder}.

${places.map(([label, text]) => `  ${label.padEnd(width)}  ${text}\n`).join('')}
A token for an address with a good reputation lives an hour:

  ${request('205.210.31.51')}

A doubtful one lives 15 minutes in working hours and 5 outside of them:

  ${request('14.102.69.58')}

None is issued to a blocked country:

  ${request('175.45.176.0')}

Why? Every call is kept, with each operation and its verdict:

  curl -s ${server}/t/${demo.tenant}/api/server/v1/actions/calls -u admin:PASSWORD

`
}
