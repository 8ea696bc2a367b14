package cloudrun_test

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
)

// NewService needs no network.
func ExampleNewService() {
	service, err := cloudrun.NewService("orders",
		cloudrun.WithImage("europe-docker.pkg.dev/shop/app/orders:v1"),
		cloudrun.WithMemory("1Gi"),
		cloudrun.WithEnv("MODE", "production"),
		cloudrun.WithSecretEnv("DB_PASSWORD", "orders-db", "latest"),
		cloudrun.WithRequestTimeout(time.Minute),
		cloudrun.WithIngress("internal-and-cloud-load-balancing"),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	_ = out.Encode(service)
	// Output:
	// {
	//   "kind": "Service",
	//   "apiVersion": "serving.knative.dev/v1",
	//   "metadata": {
	//     "name": "orders",
	//     "annotations": {
	//       "run.googleapis.com/ingress": "internal-and-cloud-load-balancing"
	//     }
	//   },
	//   "spec": {
	//     "template": {
	//       "metadata": {
	//         "annotations": {
	//           "run.googleapis.com/startup-cpu-boost": "True"
	//         }
	//       },
	//       "spec": {
	//         "containers": [
	//           {
	//             "name": "",
	//             "image": "europe-docker.pkg.dev/shop/app/orders:v1",
	//             "env": [
	//               {
	//                 "name": "MODE",
	//                 "value": "production"
	//               },
	//               {
	//                 "name": "DB_PASSWORD",
	//                 "valueFrom": {
	//                   "secretKeyRef": {
	//                     "name": "orders-db",
	//                     "key": "latest"
	//                   }
	//                 }
	//               }
	//             ],
	//             "resources": {
	//               "limits": {
	//                 "memory": "1Gi"
	//               }
	//             }
	//           }
	//         ],
	//         "timeoutSeconds": 60
	//       }
	//     }
	//   },
	//   "status": {}
	// }
}

// The error reports all problems at once, and names options that contradict each other.
func ExampleNewService_problems() {
	_, err := cloudrun.NewService("orders",
		cloudrun.WithImage("europe-docker.pkg.dev/shop/app/orders:v1"),
		cloudrun.WithMemory("512MB"),
		cloudrun.WithEnv("MODE", "test"), cloudrun.WithoutEnv("MODE"),
	)
	fmt.Println(err)
	// Output:
	// new service "orders": WithMemory("512MB"): not a quantity: write "512Mi"
	// WithEnv("MODE", …) contradicts WithoutEnv("MODE"): both decide environment variable "MODE"
}

// Options outside of WithContainer configure the container that receives the requests.
func ExampleWithContainer() {
	service, err := cloudrun.NewService("orders",
		cloudrun.WithContainer("app",
			cloudrun.WithImage("europe-docker.pkg.dev/shop/app/orders:v1"),
			cloudrun.WithPort(8080),
			cloudrun.SetDependsOn("proxy")),
		cloudrun.WithContainer("proxy",
			cloudrun.WithImage("europe-docker.pkg.dev/shop/app/proxy:v1"),
			cloudrun.WithMemory("128Mi")),
		cloudrun.WithEnv("MODE", "production"),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range service.Spec.Template.Spec.Containers {
		fmt.Println(c.Name, c.Image, len(c.Env))
	}
	// Output:
	// app europe-docker.pkg.dev/shop/app/orders:v1 1
	// proxy europe-docker.pkg.dev/shop/app/proxy:v1 0
}

// EditService and EditContainer make changes that no option makes.
func ExampleEditService() {
	service, err := cloudrun.NewService("orders",
		cloudrun.WithImage("europe-docker.pkg.dev/shop/app/orders:v1"),
		cloudrun.EditContainer(func(c *corev1.Container) error {
			c.WorkingDir = "/srv"
			return nil
		}),
		cloudrun.EditService(func(s *servingv1.Service) error {
			s.Labels = map[string]string{"app": s.Name}
			return nil
		}),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(service.Labels["app"], service.Spec.Template.Spec.Containers[0].WorkingDir)
	// Output: orders /srv
}
