/**
 * Identity of the node `lab` towards the API server that it serves: self-signed, for loopback, and known to everybody. API servers do not
 * verify it unless told to (`--kubelet-certificate-authority`), and what passes is what the lab otherwise serves without encryption.
 */
export const NODE_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBnTCCAUKgAwIBAgIUdrU6AQCvl5F5+a2jNzs199d5+cowCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPd2VpZ2hicmlkZ2UtbGFiMCAXDTI2MTEyODE4MzkwN1oYDzIx
MjYxMTA0MTgzOTA3WjAaMRgwFgYDVQQDDA93ZWlnaGJyaWRnZS1sYWIwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAAQ67ZrwNKCl7GUTAS+6erwD5M5NJshilrW+kjpy
uutidchRdEt4eQ4JLvxGYGKHCrABJArS67YjtEFMOZt8iWl4o2QwYjAdBgNVHQ4E
FgQURbJpyv3Z0CiLgeLqeAEclaa5eCUwHwYDVR0jBBgwFoAURbJpyv3Z0CiLgeLq
eAEclaa5eCUwDwYDVR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqG
SM49BAMCA0kAMEYCIQCfkZ+Ia0KanMoS0hnPjwxk60VavEqlO/HcuqVRO+W6zAIh
AIYkU0Jhc4gnZ+CZN+FwRmUmrUVJ5oihvEiYBTevAhhF
-----END CERTIFICATE-----
`;
export const NODE_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg37XlGDIjiFWlTPOX
Gb2MvfiRYFqpv8ws00c8hcsvhF6hRANCAAQ67ZrwNKCl7GUTAS+6erwD5M5NJshi
lrW+kjpyuutidchRdEt4eQ4JLvxGYGKHCrABJArS67YjtEFMOZt8iWl4
-----END PRIVATE KEY-----
`;
