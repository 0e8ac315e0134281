import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAudience, isClaimName, isPlatformClaim, isPlatformScope, isScope } from '@preflow/contract'

test('a scope is printable ASCII without space, quotation mark and backslash', () => {
  for (const scope of ['openid', 'read:metrics', '!', '[]', '~', 'urn:a/b']) assert.ok(isScope(scope), scope)
  for (const text of ['', 'two words', 'a"b', 'a\\b', 'café', 'a\n', '\u007f']) assert.ok(!isScope(text), text)
})

test('an audience is like a host name, or an absolute URI with two characters after its slashes', () => {
  for (const audience of ['web1', 'api.shop.test', '-', 'https://ab', 'https://api.shop.test/v1?x#y', 'a+b.c-d://xy']) {
    assert.ok(isAudience(audience), audience)
  }
  for (const text of ['', 'my_api', 'urn:x:y', 'two words', 'https://a', 'https:///path', '1a://xy', 'https://ab\n']) {
    assert.ok(!isAudience(text), text)
  }
})

test('an audience may have white space where the reference does not check for it', () => {
  assert.ok(isAudience('https://a b'), 'the second character may be anything except a line break')
  assert.ok(isAudience('https://ab\u00a0c'), 'for Java, only ASCII characters are white space')
  for (const text of ['https:// ab', 'https://ab c', 'https://a\nb', 'https://a\u0085b', 'https://a\u2028b']) {
    assert.ok(!isAudience(text), JSON.stringify(text))
  }
})

test('AZ-18: scopes of the server belong to the platform, in any case', () => {
  for (const scope of ['internal_x', 'Internal_x', 'internal_org_x', 'INTERNAL', 'SYSTEM', 'system', 'console:x']) {
    assert.ok(isPlatformScope(scope), scope)
  }
  for (const scope of ['openid', 'orders.internal_x', 'systems', 'my-console:x', 'consoles']) {
    assert.ok(!isPlatformScope(scope), scope)
  }
})

test('AZ-73: claims that servers use for decisions belong to the platform', () => {
  for (const name of ['sub', 'iss', 'exp', 'jti', 'org_id', 'org_anything', 'amr', 'may_act', 'cnf', 'scp', 'aut']) {
    assert.ok(isPlatformClaim(name), name)
  }
  for (const name of ['tier', 'subject', 'organization', 'aud', 'roles', 'EXP']) assert.ok(!isPlatformClaim(name), name)
})

test('AZ-50: names of object members are not claim names', () => {
  for (const name of ['constructor', '__proto__', 'prototype']) assert.ok(!isClaimName(name), name)
  for (const name of ['toString', 'toJSON', 'hasOwnProperty', 'tier', '']) assert.ok(isClaimName(name), name)
})
