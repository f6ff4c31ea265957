package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"istio.io/istio/manifests"
	crdvalidation "istio.io/istio/pkg/config/crd"
)

// admission holds the schemas of Istio's own custom resources, as an API server would.
type admission struct {
	validator *crdvalidation.Validator
}

func newAdmission() (*admission, error) {
	folder, err := os.MkdirTemp("", "istio-oracle-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	text, err := manifests.FS.ReadFile("charts/base/files/crd-all.gen.yaml")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "crds.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	validator, err := crdvalidation.NewValidatorFromFiles(file)
	if err != nil {
		return nil, err
	}
	validator.SkipMissing = true
	return &admission{validator}, nil
}

// schema is empty when the API server would take the object. Fields that the schema does not know are pruned silently there.
func (a *admission) schema(raw json.RawMessage) string {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(raw); err != nil {
		return err.Error()
	}
	if !strings.HasSuffix(object.GroupVersionKind().Group, "istio.io") {
		return ""
	}
	if err := a.validator.ValidateCustomResource(object); err != nil {
		return err.Error()
	}
	return ""
}
