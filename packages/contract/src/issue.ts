/** One thing that is wrong with a document, and where: the common form of every rejection in Preflow. */
export interface Issue {
  /** From the root of the document, for example `['operations', 0, 'path']`. Empty when the whole document is meant. */
  path: (string | number)[]
  /** A sentence that says what to do. Never contains the offending value: it may be a secret. */
  message: string
}

/** `operations.0.path: must be a string`; without a path only the message. */
export function describeIssue(issue: Issue): string {
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`
}

/** All issues in one line, for an error answer or a log. */
export function describeIssues(issues: readonly Issue[]): string {
  return issues.map(describeIssue).join('; ')
}
