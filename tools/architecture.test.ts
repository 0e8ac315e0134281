import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { checkArchitecture, readSources } from './architecture.ts'

const { files, packages } = readSources(join(import.meta.dirname, '..'))

/** The repository with these files added or replaced. */
const planted = (plants: Record<string, string>) =>
  checkArchitecture({ files: new Map([...files, ...Object.entries(plants)]), packages })

test('the repository has the decided structure', () => {
  assert.deepEqual(checkArchitecture({ files, packages }), [])
})

const server = 'packages/server/src'
/** Not written within a literal below, where the check would find an import of this file. */
const MANAGEMENT = '../management/handler.ts'

/** One violation of each rule, with the expected report. */
const violations: Record<string, { plants: Record<string, string>; reports: RegExp }> = {
  'a package imports one that its arrows do not name': {
    plants: { 'packages/contract/src/planted.ts': "import { executeAction } from '@preflow/engine'" },
    reports: /planted\.ts: imports @preflow\/engine: no such arrow/,
  },
  'a package imports a type of one that its arrows do not name': {
    plants: { 'packages/engine/src/planted.ts': "import type { Server } from '@preflow/server'" },
    reports: /planted\.ts: imports @preflow\/server: no such arrow/,
  },
  'a package uses a dependency that was not decided for it': {
    plants: { 'packages/engine/src/planted.ts': "import express from 'express'" },
    reports: /imports express: not among the dependencies/,
  },
  'a portable package uses Node': {
    plants: { 'packages/policies/src/planted.ts': "import { readFile } from 'node:fs/promises'" },
    reports: /imports node:fs\/promises: this package is portable/,
  },
  'deployed code uses all of zod': {
    plants: { 'packages/extension/src/planted.ts': "import * as z from 'zod'" },
    reports: /imports zod: use zod\/mini/,
  },
  'a package imports a file of another by its path': {
    plants: { 'packages/cli/src/planted.ts': "import { createServer } from '../../server/src/server.ts'" },
    reports: /another package's file/,
  },
  'the bench imports a file of a package by its path': {
    plants: { 'bench/planted.ts': "import { createServer } from '../packages/server/src/server.ts'" },
    reports: /bench\/planted\.ts: .*another package's file/,
  },
  'a conformance test imports a file of a package by its path': {
    plants: { 'conformance/planted.test.ts': "import { createServer } from '../packages/server/src/server.ts'" },
    reports: /conformance\/planted\.test\.ts: .*another package's file/,
  },
  'the ground imports the domain': {
    plants: {
      [`${server}/ground/http/planted.ts`]: "import { registerUser } from '../../domain/users/register-user.ts'",
    },
    reports: /ground is below domain/,
  },
  'the domain imports a type of a face': {
    plants: {
      [`${server}/domain/users/planted.ts`]: "import type { Handlers } from '../../faces/management/handler.ts'",
    },
    reports: /domain is below faces/,
  },
  'a fixture of the ground imports a face': {
    plants: { [`${server}/ground/store/planted.fixture.ts`]: "export * from '../../faces/scim/scim-api.ts'" },
    reports: /planted\.fixture\.ts: .*ground is below faces/,
  },
  'a face imports another face': {
    plants: { [`${server}/faces/scim/planted.ts`]: `const it = await import('${MANAGEMENT}')` },
    reports: /no room of faces imports another/,
  },
  'a room imports one that is above it in its storey': {
    plants: { [`${server}/domain/tenants/planted.ts`]: "import { updateUser } from '../users/update-user.ts'" },
    reports: /in domain, users is above tenants/,
  },
  'a storey imports the composition': {
    plants: { [`${server}/domain/users/planted.ts`]: "import type { Configuration } from '../../configuration.ts'" },
    reports: /the composition is above the storeys/,
  },
  'a room that the table does not have appears': {
    plants: { [`${server}/domain/planted/planted.ts`]: "import { updateUser } from '../users/update-user.ts'" },
    reports: /planted is not a room/,
  },
  'a route is added without its access (AZ-70)': {
    plants: { [`${server}/faces/account/planted.ts`]: "import { Hono } from 'hono'" },
    reports: /imports hono: only .*mount\.ts adds routes/,
  },
  'two files import each other, one of them only a type': {
    plants: {
      'packages/engine/src/planted-a.ts': "import { b } from './planted-b.ts'",
      'packages/engine/src/planted-b.ts': "import type { A } from './planted-a.ts'",
    },
    reports: /planted-a\.ts, packages\/engine\/src\/planted-b\.ts: these files import each other in a circle/,
  },
  'three fixtures import each other in a circle': {
    plants: {
      'conformance/planted-a.fixture.ts': "import { b } from './planted-b.fixture.ts'",
      'conformance/planted-b.fixture.ts': "export * from './planted-c.fixture.ts'",
      'conformance/planted-c.fixture.ts': "type A = import('./planted-a.fixture.ts').A",
    },
    reports: /planted-a.*planted-b.*planted-c.*in a circle/,
  },
  'a file that is not main.ts reads the environment': {
    plants: { 'packages/engine/src/planted.ts': 'export const home = process.env.HOME' },
    reports: /only main\.ts files touch process\.env/,
  },
  'a room has no subject': {
    plants: { 'packages/engine/src/utils/planted.ts': 'export {}' },
    reports: /name utils after its subject/,
  },
}

describe('the check fails when', () => {
  for (const [rule, { plants, reports }] of Object.entries(violations)) {
    test(rule, () => {
      const problems = planted(plants)
      assert.match(problems.join('\n'), reports)
      assert.equal(problems.length, 1, problems.join('\n'))
    })
  }

  test('a package is not in the table', () => {
    const more = new Map([...packages, ['packages/planted', '@preflow/planted']])
    assert.deepEqual(checkArchitecture({ files, packages: more }), [
      'packages/planted: not in the table of tools/architecture.ts; add its arrows there',
    ])
  })
})
