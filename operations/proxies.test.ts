/** Runs the configurations of deploy/server in front of a real server. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { root, type ServerProcess, startServer, stop } from './server-process.fixture.ts'

const SPOOFED = '203.0.113.9'
const folder = mkdtempSync(join(tmpdir(), 'preflow-proxies-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const isInstalled = (program: string, argument: string) => spawnSync(program, [argument]).error === undefined

/** A running proxy: where it listens and which certificate authority signed its certificate. */
interface Proxy {
  child: ChildProcess
  authority(): Buffer
}

interface Kind {
  program: string
  versionArgument: string
  host: string
  start(port: number, upstream: string): Promise<Proxy>
}

const deployed = (name: string) => readFileSync(join(root, 'deploy/server', name), 'utf8')

const kinds: Kind[] = [
  {
    program: 'nginx',
    versionArgument: '-v',
    host: 'id.example.com',
    async start(port, upstream) {
      const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')]
      const options = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1']
      const names = ['-subj', `/CN=${this.host}`, '-addext', `subjectAltName=DNS:${this.host}`]
      execFileSync('openssl', ['req', ...options, ...names, '-keyout', key, '-out', certificate], { stdio: 'pipe' })
      const site = deployed('nginx.conf')
        .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
        .replace('127.0.0.1:9400', new URL(upstream).host)
        .replace('/etc/ssl/id.example.com.pem', certificate)
        .replace('/etc/ssl/id.example.com.key', key)
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map(name => `${name}_temp_path ${folder}/${name};`)
        .join(' ')
      const configuration = join(folder, 'nginx.conf')
      const main = `pid ${folder}/nginx.pid; error_log stderr; daemon off;\nevents {}\nhttp { access_log off; ${temporary}\n`
      writeFileSync(configuration, `${main}${site}}\n`)
      const child = spawn('nginx', ['-c', configuration, '-p', folder, '-e', 'stderr'], { stdio: 'ignore' })
      return { child, authority: () => readFileSync(certificate) }
    },
  },
  {
    program: 'caddy',
    versionArgument: 'version',
    host: 'localhost',
    async start(port, upstream) {
      const environment = {
        PATH: process.env['PATH'],
        HOME: folder,
        XDG_DATA_HOME: folder,
        XDG_CONFIG_HOME: folder,
        DOMAIN: `${this.host}:${port}`,
        UPSTREAM: new URL(upstream).host,
      }
      const file = join(folder, 'Caddyfile')
      writeFileSync(file, deployed('Caddyfile'))
      const adapted = JSON.parse(
        execFileSync('caddy', ['adapt', '--config', file], { env: environment, stdio: 'pipe' }).toString(),
      )
      // Nothing outside of the test changes: no administration, no other port, no certificate in the system.
      adapted.admin = { disabled: true }
      adapted.apps.http.http_port = await freePort()
      adapted.apps.pki = { certificate_authorities: { local: { install_trust: false } } }
      const configuration = join(folder, 'caddy.json')
      writeFileSync(configuration, JSON.stringify(adapted))
      const child = spawn('caddy', ['run', '--config', configuration], { env: environment, stdio: 'ignore' })
      return { child, authority: () => readFileSync(join(folder, 'caddy/pki/authorities/local/root.crt')) }
    },
  },
]

for (const kind of kinds) {
  const { host, program, versionArgument } = kind
  describe(`behind ${program}`, () => {
    const skip = !isInstalled(program, versionArgument) && `${program} is not installed`
    test('addresses are https, and nobody chooses the address that limits and events use', { skip }, async () => {
      const port = await freePort()
      const publicUrl = `https://${host}:${port}`
      const server = await startServer({
        PREFLOW_DATA: join(folder, `data-${program}`),
        PREFLOW_PUBLIC_URL: publicUrl,
        PREFLOW_TRUSTED_PROXIES: '127.0.0.0/8',
      })
      const proxy = await kind.start(port, server.url)
      try {
        const get = (path: string, headers: Record<string, string> = {}) =>
          eventually(() => getThrough({ port, host, authority: proxy.authority() }, path, headers))
        const discovery = await get('/oauth2/token/.well-known/openid-configuration')
        assert.equal(discovery.status, 200)
        const { issuer, token_endpoint } = JSON.parse(discovery.body) as Record<string, string>
        assert.deepEqual([issuer, token_endpoint], [`${publicUrl}/oauth2/token`, `${publicUrl}/oauth2/token`])
        assert.match(discovery.headers['strict-transport-security'] ?? '', /max-age/)

        const credentials = `Basic ${Buffer.from('nobody:wrong password').toString('base64')}`
        const reported = { 'x-forwarded-for': SPOOFED, forwarded: `for=${SPOOFED}`, 'x-real-ip': SPOOFED }
        assert.equal((await get('/scim2/Users', { authorization: credentials, ...reported })).status, 401)
        const failed = await eventually(async () => eventOf(server, 'sign_in.failed'))
        assert.equal(failed['address'], '127.0.0.1')
      } finally {
        await stop(proxy.child)
        await server.stop()
      }
    })
  })
}

function eventOf(server: ServerProcess, name: string): Record<string, unknown> {
  const event = server.log().find(({ securityEvent }) => securityEvent === name)
  assert.ok(event, `no event ${name} in the log`)
  return event
}

/** Repeats until it succeeds, for as long as a proxy needs to start. */
async function eventually<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let left = 100; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      if (left === 0) throw error
      await sleep(100)
    }
  }
}

function getThrough(
  { authority, host, port }: { host: string; port: number; authority: Buffer },
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> {
  const lookup: typeof import('node:dns').lookup = ((
    _: string,
    options: object,
    callback: (...found: unknown[]) => void,
  ) =>
    'all' in options && options.all
      ? callback(null, [{ address: '127.0.0.1', family: 4 }])
      : callback(null, '127.0.0.1', 4)) as never
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, path, headers, ca: authority, servername: host, lookup }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    sent.once('error', reject)
    sent.end()
  })
}

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
