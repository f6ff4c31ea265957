// istio-oracle says what Istio's own control plane makes of Kubernetes objects, and what a proxy configured by it does with requests.
//
// It reads one JSON case a line from standard input and writes one JSON result a line to standard output, in the same order.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// Case is a cluster, one client in it, and what the client sends.
type Case struct {
	Objects  []json.RawMessage `json:"objects"`
	Caller   Caller            `json:"caller"`
	Requests []Request         `json:"requests"`
}

// Caller is the workload whose proxy is configured.
type Caller struct {
	Workload  string            `json:"workload"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
	Gateway   bool              `json:"gateway"`
	// Locality is `region/zone/subzone`; empty: the mesh does not know it.
	Locality string `json:"locality"`
}

// Request is what the client sends; header names are in lower case.
type Request struct {
	Port    uint32            `json:"port"`
	Host    string            `json:"host"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	// TLS: the client encrypts the connection itself, with the host as its server name.
	TLS bool `json:"tls"`
}

// Result has one answer a request.
type Result struct {
	// Refused says by `Kind/namespace/name` why the API server or Istio's webhook would not store an object.
	Refused map[string]string `json:"refused"`
	Answers []Answer          `json:"answers"`
	// Error is set when the case could not be compiled at all.
	Error string `json:"error,omitempty"`
}

func main() {
	quiet()
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	admission, err := newAdmission()
	if err != nil {
		fmt.Fprintln(os.Stderr, "istio-oracle:", err)
		os.Exit(1)
	}
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 1 {
			text, _ := json.Marshal(solve(line, admission))
			out.Write(text)
			out.WriteByte('\n')
			out.Flush()
		}
		if err != nil {
			return
		}
	}
}

func solve(line []byte, admission *admission) (result Result) {
	defer func() {
		if reason := recover(); reason != nil {
			result.Error = fmt.Sprint("panic: ", reason)
		}
	}()
	var one Case
	if err := json.Unmarshal(line, &one); err != nil {
		return Result{Error: err.Error()}
	}
	world, err := read(one.Objects, admission)
	if err != nil {
		return Result{Error: err.Error()}
	}
	result = Result{Refused: world.refused, Answers: []Answer{}}
	err = compile(world, one.Caller, func(proxy *proxyConfig) {
		for _, request := range one.Requests {
			result.Answers = append(result.Answers, proxy.answer(request))
		}
	})
	if err != nil {
		result.Error = err.Error()
	}
	return result
}
