/** The events in which AWS passes HTTP requests to a function, and how it reads the results. */
import { present } from '@preflow/contract'
import type { Answer, Call } from './running.fixture.ts'

interface Result {
  statusCode: number
  statusDescription?: string
  headers?: Record<string, string>
  multiValueHeaders?: Record<string, string[]>
  body?: string
  isBase64Encoded?: boolean
}

interface Front {
  event(call: Call): object
  answer(result: Result): Answer
}

const sourceIp = '203.0.113.9'

/** Function URLs and HTTP APIs: payload version 2. */
function version2(domain: string, stage: string): Front {
  return {
    event: ({ method, path, headers, body }) => ({
      version: '2.0',
      routeKey: '$default',
      rawPath: path,
      rawQueryString: '',
      headers: lowerCase(headers),
      requestContext: {
        accountId: 'anonymous',
        apiId: 'abc',
        domainName: domain,
        domainPrefix: 'abc',
        http: { method, path, protocol: 'HTTP/1.1', sourceIp, userAgent: 'platform' },
        requestId: 'r-1',
        routeKey: '$default',
        stage,
        time: '20/Nov/2026:12:00:00 +0000',
        timeEpoch: 1795176000000,
      },
      ...present({ body }),
      isBase64Encoded: false,
    }),
    answer: single,
  }
}

/** REST APIs: payload version 1, with both kinds of headers and their original case. */
const version1: Front = {
  event: ({ method, path, headers, body }) => ({
    resource: '/{proxy+}',
    path,
    httpMethod: method,
    headers,
    multiValueHeaders: lists(headers),
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: { proxy: path.slice(1) },
    stageVariables: null,
    requestContext: {
      resourcePath: '/{proxy+}',
      httpMethod: method,
      path: `/prod${path}`,
      domainName: 'abc.execute-api.eu-central-1.amazonaws.com',
      stage: 'prod',
      protocol: 'HTTP/1.1',
      identity: { sourceIp },
      requestId: 'r-1',
    },
    body: body ?? null,
    isBase64Encoded: false,
  }),
  answer: single,
}

/** Load balancers. Their target group sends headers once or as lists, and expects the same form back. */
function loadBalancer(hasLists: boolean): Front {
  return {
    event: ({ method, path, headers, body }) => ({
      requestContext: { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/tg/1' } },
      httpMethod: method,
      path,
      ...(hasLists
        ? { multiValueHeaders: lists(lowerCase(headers)), multiValueQueryStringParameters: {} }
        : { headers: lowerCase(headers), queryStringParameters: {} }),
      body: body ?? '',
      isBase64Encoded: false,
    }),
    answer: result => {
      if (!/^\d{3} |^$/.test(result.statusDescription ?? ''))
        throw new Error('A status description begins with the status.')
      if (hasLists && !result.multiValueHeaders) throw new Error('This load balancer drops headers that are not lists.')
      if (!hasLists && !result.headers) throw new Error('This load balancer drops headers in lists.')
      return single(result)
    },
  }
}

/** The same event with the body in base64, as AWS sends binary bodies. */
function inBase64(front: Front): Front {
  return {
    event: call => ({
      ...front.event(call),
      body: Buffer.from(call.body ?? '').toString('base64'),
      isBase64Encoded: true,
    }),
    answer: front.answer,
  }
}

const plain: Record<string, Front> = {
  'function URL': version2('abc.lambda-url.eu-central-1.on.aws', '$default'),
  'HTTP API': version2('abc.execute-api.eu-central-1.amazonaws.com', 'prod'),
  'REST API': version1,
  'load balancer': loadBalancer(false),
  'load balancer with lists of headers': loadBalancer(true),
}

/** Every entry point to a function, each with plain and base64 bodies. */
export const fronts: Record<string, Front> = Object.fromEntries(
  Object.entries(plain).flatMap(([name, front]) => [
    [name, front],
    [`${name}, base64`, inBase64(front)],
  ]),
)

function single({ statusCode, headers = {}, multiValueHeaders = {}, body = '', isBase64Encoded }: Result): Answer {
  const joined = Object.entries(multiValueHeaders).map(([name, values]) => [name, values.join(', ')])
  return {
    status: statusCode,
    headers: lowerCase({ ...headers, ...Object.fromEntries(joined) }),
    body: isBase64Encoded ? Buffer.from(body, 'base64').toString() : body,
  }
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function lists(headers: Record<string, string>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
}
