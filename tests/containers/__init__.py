"""The images, in containers: `./invoke test-containers`, after `./invoke build-containers`."""
