import { isDict } from './lists.js';

const PATH = /^\/apis\/authorization\.k8s\.io\/v1\/(selfsubjectaccessreviews|selfsubjectrulesreviews)$/;

/** Answers `kubectl auth can-i`: whoever reaches the embedded cluster may do everything. Undefined for other paths. */
export function review(path: string, body: unknown): Record<string, unknown> | undefined {
  const match = PATH.exec(path);
  if (!match) return undefined;
  const given = isDict(body) ? body : {};
  if (match[1] === 'selfsubjectaccessreviews') {
    return {
      ...given,
      kind: 'SelfSubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      status: { allowed: true },
    };
  }
  const rules = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }];
  const status = {
    resourceRules: rules,
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
    incomplete: false,
  };
  return { ...given, kind: 'SelfSubjectRulesReview', apiVersion: 'authorization.k8s.io/v1', status };
}
