package cloudrun_test

import (
	"context"
	"fmt"
	"log"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

func ExampleMakePublic() {
	ctx := context.Background()
	client, stop := localClient(ctx) // in a real program: cloudrun.NewClient(ctx, "my-project", "us-central1")
	defer stop()

	if err := cloudrun.MakePublic(ctx, client, "hello"); err != nil {
		log.Fatal(err)
	}
	public, err := cloudrun.IsPublic(ctx, client, "hello")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("public:", public)
	// Output: public: true
}

func ExampleAddMember() {
	ctx := context.Background()
	client, stop := localClient(ctx)
	defer stop()

	err := cloudrun.AddMember(ctx, client, "hello", "roles/run.invoker", "group:staff@example.com",
		cloudrun.WithCondition(cloudrun.BindingCondition{
			Title:      "until 2030",
			Expression: `request.time < timestamp("2030-01-01T00:00:00Z")`,
		}))
	if err != nil {
		log.Fatal(err)
	}
	policy, err := client.GetPolicy(ctx, "hello")
	if err != nil {
		log.Fatal(err)
	}
	for _, b := range policy.Bindings {
		fmt.Println(b.Role, b.Members, b.Condition.Title)
	}
	// Output: roles/run.invoker [group:staff@example.com] until 2030
}

func ExampleClient_UpdatePolicy() {
	ctx := context.Background()
	client, stop := localClient(ctx)
	defer stop()

	err := client.UpdatePolicy(ctx, "hello", func(p *cloudrun.Policy) error {
		p.Add("roles/run.viewer", "group:staff@example.com", nil)
		p.Add("roles/run.invoker", "user:ann@example.com", nil)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	policy, err := client.GetPolicy(ctx, "hello")
	if err != nil {
		log.Fatal(err)
	}
	for _, b := range policy.Bindings {
		fmt.Println(b.Role, b.Members)
	}
	// Output:
	// roles/run.viewer [group:staff@example.com]
	// roles/run.invoker [user:ann@example.com]
}

// localClient returns a client of an embedded control plane with a Service "hello".
func localClient(ctx context.Context) (client *cloudrun.Client, stop func()) {
	server := cloudruntest.NewServer(cloudruntest.InProcess())
	client, err := cloudrun.NewClient(ctx, "my-project", "us-central1", server.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}
	service, err := cloudrun.NewService("hello", cloudrun.WithImage("gcr.io/cloudrun/hello"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.CreateService(ctx, service); err != nil {
		log.Fatal(err)
	}
	return client, server.Close
}
