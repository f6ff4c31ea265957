import type { Schema } from '../schema.js';

export const strings: Schema = ['str'];
export const labels: Schema = { '*': 'str' };
export const metadata: Schema = {
  name: 'str',
  generateName: 'str',
  namespace: 'str',
  selfLink: 'str',
  uid: 'str',
  resourceVersion: 'str',
  generation: 'int',
  creationTimestamp: 'str',
  deletionTimestamp: 'str',
  deletionGracePeriodSeconds: 'int',
  labels,
  annotations: labels,
  ownerReferences: ['any'],
  finalizers: strings,
  managedFields: ['any'],
};
export const env: Schema = [{ name: 'str', value: 'str', valueFrom: 'any' }];
